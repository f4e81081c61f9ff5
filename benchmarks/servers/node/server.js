// The peer in JavaScript: socket.io with its default WebSocket engine, ws.
//
//     node server.js PORT
"use strict";

const http = require("node:http");
const { Server } = require("socket.io");

const server = http.createServer();
const bench = new Server(server).of("/bench");

bench.on("connection", (socket) => {
  socket.on("echo", (data, acknowledge) => {
    socket.emit("echoed", data);
    if (acknowledge) acknowledge(data);
  });
  socket.on("ask", (data, acknowledge) => acknowledge(data));
  socket.on("shout", (data) => bench.emit("heard", data));
});

server.listen(Number(process.argv[2]), "127.0.0.1");
