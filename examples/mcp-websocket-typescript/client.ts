// Lists the tools, and calls the platform's own `sleep` with its progress told.
import { Client } from "@modelcontextprotocol/client";
import { WebSocketTransport } from "./transport.ts";

const { MCPW_URL = "ws://127.0.0.1:8080/mcp", MCPW_TOKEN } = process.env;

// `auto` takes the newest version that both know; without it the client opens a session, as all did before 2026-07-28.
const client = new Client({ name: "example", version: "1.0.0" }, { versionNegotiation: { mode: "auto" } });
await client.connect(new WebSocketTransport(MCPW_URL, MCPW_TOKEN));
console.log("version", client.getNegotiatedProtocolVersion());

const { tools } = await client.listTools();
console.log("tools", tools.map((tool) => tool.name).join(" "));

const onprogress = ({ progress, total }: { progress: number; total?: number }) => console.log("progress", progress, total);
const result = await client.callTool({ name: "sleep", arguments: { ms: 500 } }, { onprogress });
console.log("result", JSON.stringify(result.structuredContent));

await client.close();
