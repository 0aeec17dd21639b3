// The client of the TypeScript SDK, over its WebSocket transport: prints what it saw as JSON.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { WebSocketClientTransport } from '@modelcontextprotocol/sdk/client/websocket.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import WebSocket from 'ws';

// Node 20 has none of its own.
globalThis.WebSocket ??= WebSocket;

const progress = [], asked = [];
const client = new Client({ name: 'client', version: '1' }, { capabilities: { elicitation: {} } });
client.setRequestHandler(ElicitRequestSchema, async request => {
  asked.push(request.params.message);
  return { action: 'accept', content: { name: 'n' } };
});
const transport = new WebSocketClientTransport(new URL(process.argv[2]));
let version;
transport.setProtocolVersion = chosen => { version = chosen; };
await client.connect(transport);
const tools = await client.listTools();
const walked = await client.callTool({ name: 'walk', arguments: {} });
// The SDK forgets who listens when a result comes, and looks at progress later: here a question lies between.
const onprogress = ({ progress: done, total, message }) => progress.push([done, total, message]);
const told = await client.callTool({ name: 'words.own', arguments: { do: 'ask' } }, undefined, { onprogress });
const failed = await client.callTool({ name: 'fail', arguments: {} });
const { resources } = await client.listResources();
const { contents } = await client.readResource({ uri: resources[0].uri });
await client.ping();
console.log(JSON.stringify({
  version,
  server: client.getServerVersion().name,
  tools: tools.tools.map(tool => tool.name).sort(),
  walked: walked.structuredContent,
  progress,
  asked,
  told: told.structuredContent,
  failed: failed.isError,
  contents: contents[0].text,
}));
await client.close();
