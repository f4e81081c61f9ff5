// The peer in JavaScript: socket.io with its default WebSocket engine, ws.
//
//     node server.js PORT [--redis=URL] [--recovery] [--streams]
//
// With the last option broadcasts go through Redis' streams, without through channels.
"use strict";

// As `npm install socket.io` leaves it, without native add-ons.
process.env.WS_NO_BUFFER_UTIL = "1";
process.env.WS_NO_UTF_8_VALIDATE = "1";

const http = require("node:http");
const { parseArgs } = require("node:util");
const { Server } = require("socket.io");

const server = http.createServer();
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    redis: { type: "string" },
    recovery: { type: "boolean" },
    streams: { type: "boolean" },
  },
});
const io = new Server(server, values.recovery ? { connectionStateRecovery: {} } : {});
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
  if (values.redis) {
    // Broadcasts go through Redis.
    const name = values.streams ? "redis-streams-adapter" : "redis-adapter";
    const { createAdapter } = require(`@socket.io/${name}`);
    const { createClient } = require("redis");
    const url = values.redis;
    const clients = [createClient({ url }), createClient({ url })];
    await Promise.all(clients.map((client) => client.connect()));
    io.adapter(values.streams ? createAdapter(clients[0]) : createAdapter(...clients));
  }
  server.listen(Number(positionals[0]), "127.0.0.1");
}

listen();
