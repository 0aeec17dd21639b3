// Model Context Protocol over a WebSocket, as a transport of @modelcontextprotocol/client. One text frame is one message, in
// both eras.
import { parseJSONRPCMessage, type JSONRPCMessage, type Transport } from "@modelcontextprotocol/client";

export class WebSocketTransport implements Transport {
  onmessage?: Transport["onmessage"];
  onerror?: Transport["onerror"];
  onclose?: Transport["onclose"];
  readonly #url: string | URL;
  readonly #protocols: string[];
  #socket?: WebSocket;

  // The token goes as a subprotocol: neither browsers nor Node let a WebSocket set headers.
  constructor(url: string | URL, token?: string) {
    this.#url = url;
    this.#protocols = token === undefined ? ["mcp"] : ["mcp", `mcp.auth.${token}`];
  }

  start(): Promise<void> {
    const socket = new WebSocket(this.#url, this.#protocols);
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      let message: JSONRPCMessage;
      try {
        message = parseJSONRPCMessage(JSON.parse(data));
      } catch (error) {
        this.onerror?.(error as Error);
        return;
      }
      this.onmessage?.(message);
    });
    return new Promise((resolve, reject) => {
      socket.addEventListener("open", () => resolve());
      // An error is always followed by a close, which says more.
      socket.addEventListener("close", ({ code, reason }) => {
        reject(new Error(`the connection was closed: ${code} ${reason}`));
        this.onclose?.();
      });
    });
  }

  async send(message: JSONRPCMessage): Promise<void> {
    if (this.#socket?.readyState !== WebSocket.OPEN) throw new Error("the connection is not open");
    this.#socket.send(JSON.stringify(message));
  }

  async close(): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined || socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
    socket.close(1000);
    await closed;
  }
}
