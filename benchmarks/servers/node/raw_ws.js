// The peer in JavaScript: ws, as socket.io depends on it, without native add-ons,
// or with them if asked to.
//
//     node raw_ws.js PORT [native]
"use strict";

if (process.argv[3] !== "native") {
  process.env.WS_NO_BUFFER_UTIL = "1";
  process.env.WS_NO_UTF_8_VALIDATE = "1";
}

const { WebSocketServer } = require("ws");

const server = new WebSocketServer({
  host: "127.0.0.1",
  port: Number(process.argv[2]),
  perMessageDeflate: false,
});

server.on("connection", (socket) => {
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
});
