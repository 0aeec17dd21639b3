// `ws` and nothing else: sends back every message, as the library's own example does.
import { WebSocketServer } from "ws";

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
server.on("connection", (socket) => {
  socket.on("error", console.error);
  socket.on("message", (message, isBinary) => socket.send(message, { binary: isBinary }));
});
server.on("listening", () => console.log(JSON.stringify({ url: `ws://127.0.0.1:${server.address().port}/` })));
