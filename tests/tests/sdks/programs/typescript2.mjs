// The TypeScript SDK of the second generation, in either era, over the WebSocket transport of the examples or over HTTP.
import { Client, LOG_LEVEL_META_KEY, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { answers, capabilities, follow, news } from './steps.mjs';
import { WebSocketTransport } from './transport.ts';

const [url, era] = process.argv.slice(2);
const token = process.env.MCPW_TOKEN;
const headers = { Authorization: `Bearer ${token}` };
const transport = url.startsWith('ws')
  ? new WebSocketTransport(url, token)
  : new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
const mode = era === 'legacy' ? 'legacy' : 'auto';
const client = new Client({ name: 'client', version: '2' }, { capabilities, versionNegotiation: { mode } });
for (const [method, answer] of Object.entries(answers)) client.setRequestHandler(method, answer);
for (const [method, hear] of Object.entries(news)) client.setNotificationHandler(method, hear);
await client.connect(transport);
// Clients without sessions say it in each request.
const own = era === 'legacy' ? {} : { _meta: { [LOG_LEVEL_META_KEY]: 'debug' } };
await follow(client, client.getNegotiatedProtocolVersion(), {
  call: (params, options) => client.callTool({ ...params, ...own }, options),
  level: async name => era === 'legacy' && client.setLoggingLevel(name),
  subscribe: uri => era === 'legacy' ? client.subscribeResource({ uri }) : client.listen({ resourceSubscriptions: [uri] }),
});
