// The peer in JavaScript: Bun's own WebSocket server. It does not compress by default.
//
//     bun raw.js PORT

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  fetch(request, server) {
    if (!server.upgrade(request)) return new Response(null, { status: 400 });
  },
  websocket: {
    message: (socket, message) => socket.send(message),
  },
});
