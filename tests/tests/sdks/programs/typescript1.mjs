// The TypeScript SDK of the first generation, over its own WebSocket transport or over HTTP.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { WebSocketClientTransport } from '@modelcontextprotocol/sdk/client/websocket.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import WebSocket from 'ws';
import { answers, capabilities, follow, news } from './steps.mjs';

// Node 20 has none of its own.
if (process.argv[3] === 'package') globalThis.WebSocket = WebSocket;

const requests = [ElicitRequestSchema, CreateMessageRequestSchema, ListRootsRequestSchema];
const notifications = [LoggingMessageNotificationSchema, ResourceUpdatedNotificationSchema];

const url = new URL(process.argv[2]);
const headers = { Authorization: `Bearer ${process.env.MCPW_TOKEN}` };
const transport = url.protocol === 'ws:'
  ? new WebSocketClientTransport(url)
  : new StreamableHTTPClientTransport(url, { requestInit: { headers } });
let version;
const note = transport.setProtocolVersion?.bind(transport);
transport.setProtocolVersion = chosen => {
  version = chosen;
  note?.(chosen);
};
const client = new Client({ name: 'client', version: '1' }, { capabilities });
for (const schema of requests) client.setRequestHandler(schema, answers[schema.shape.method.value]);
for (const schema of notifications) client.setNotificationHandler(schema, news[schema.shape.method.value]);
await client.connect(transport);
await follow(client, version, {
  call: (params, options) => client.callTool(params, undefined, options),
  level: name => client.setLoggingLevel(name),
  subscribe: uri => client.subscribeResource({ uri }),
});
