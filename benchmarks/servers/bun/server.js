// The peer on Bun: socket.io with the engine that its project made for Bun.
//
//     bun server.js PORT

import { Server as Engine } from "@socket.io/bun-engine";
import { Server } from "socket.io";

const engine = new Engine({ path: "/socket.io/" });
const io = new Server();
io.bind(engine);
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
});

Bun.serve({
  ...engine.handler(),
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
});
