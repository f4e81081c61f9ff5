// The peer in JavaScript: socket.io with its default WebSocket engine, ws.
//
//     node server.js PORT [REDIS]
"use strict";

// As `npm install socket.io` leaves it, without native add-ons.
process.env.WS_NO_BUFFER_UTIL = "1";
process.env.WS_NO_UTF_8_VALIDATE = "1";

const http = require("node:http");
const { Server } = require("socket.io");

const server = http.createServer();
const io = new Server(server);
const bench = io.of("/bench");

bench.on("connection", (socket) => {
  socket.on("echo", (data, acknowledge) => {
    socket.emit("echoed", data);
    if (acknowledge) acknowledge(data);
  });
  socket.on("ask", (data, acknowledge) => acknowledge(data));
  socket.on("shout", (data) => bench.emit("heard", data));
  socket.on("enter", (room, acknowledge) => {
    socket.join(room);
    acknowledge(true);
  });
  socket.on("say", (room, data) => socket.to(room).emit("heard", data));
  socket.on("subscribe", (channel, acknowledge) => {
    socket.join(channel);
    acknowledge(true);
  });
  socket.on("publish", (data) => bench.to("bench").emit("pubblication", data));
});

async function listen() {
  const [port, redis] = process.argv.slice(2);
  if (redis) {
    // Broadcasts go through Redis.
    const { createAdapter } = require("@socket.io/redis-adapter");
    const { createClient } = require("redis");
    const clients = [createClient({ url: redis }), createClient({ url: redis })];
    await Promise.all(clients.map((client) => client.connect()));
    io.adapter(createAdapter(...clients));
  }
  server.listen(Number(port), "127.0.0.1");
}

listen();
