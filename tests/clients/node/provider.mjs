// An identity provider on loopback: oidc-provider behind one port, over https, with keys that the test changes.
// Its first line of input is how it is set up, as JSON; it answers "ready PORT". Each further line names the generations of
// keys that are published from then on, the first of which signs; it answers "published".
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:https';
import { createInterface } from 'node:readline';
import { Provider } from 'oidc-provider';

// Seconds.
const LIFE = 600;

const kinds = {
  RS256: ['rsa', { modulusLength: 2048 }],
  ES256: ['ec', { namedCurve: 'P-256' }],
  EdDSA: ['ed25519', {}],
};
// Of what each resource is an access token made: the last part of its name says so.
const resources = {
  RS256: { alg: 'RS256' },
  ES256: { alg: 'ES256' },
  EdDSA: { alg: 'EdDSA' },
  Ed25519: { alg: 'Ed25519' },
  opaque: { accessTokenFormat: 'opaque' },
  elsewhere: { alg: 'RS256', audience: 'elsewhere' },
  brief: { alg: 'RS256', accessTokenTTL: 1 },
  tenantless: { alg: 'RS256' },
};

const generations = new Map();
function keysOf(generation) {
  if (!generations.has(generation)) {
    const keys = Object.entries(kinds).map(([alg, [type, options]]) => ({
      ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }),
      kid: `${generation}-${alg}`,
      use: 'sig',
    }));
    generations.set(generation, keys);
  }
  return generations.get(generation);
}

function configuration({ audience }, keys) {
  const grant_types = ['client_credentials', 'urn:openid:params:grant-type:ciba'];
  const common = { redirect_uris: [], response_types: [], token_endpoint_auth_method: 'client_secret_post' };
  const client = { ...common, client_id: 'bot', client_secret: 'a secret of the test', grant_types };
  return {
    jwks: { keys },
    clients: [{ ...client, backchannel_token_delivery_mode: 'poll' }],
    scopes: ['openid', 'event:publish'],
    enabledJWA: { idTokenSigningAlgValues: ['RS256'] },
    findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId, tenant: 'acme' }) }),
    extraTokenClaims: (_, token) =>
      token.resourceServer?.identifier().endsWith('/tenantless') ? undefined : { tenant: 'acme' },
    ttl: {
      ClientCredentials: (_, token) => token.resourceServer.accessTokenTTL ?? LIFE,
      AccessToken: LIFE,
      IdToken: LIFE,
      Grant: LIFE,
      BackchannelAuthenticationRequest: LIFE,
    },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      // The one flow that ends with an ID token and needs no browser.
      ciba: {
        enabled: true,
        deliveryModes: ['poll'],
        processLoginHint: (_, hint) => hint,
        validateBindingMessage() {},
        validateRequestContext() {},
        verifyUserCode() {},
        async triggerAuthenticationDevice(ctx, request, account) {
          const { provider } = ctx.oidc;
          const grant = new provider.Grant({ clientId: request.clientId, accountId: account.accountId });
          grant.addOIDCScope('openid');
          await grant.save();
          await provider.backchannelResult(request, grant);
        },
      },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo(_, resource) {
          const { alg, ...more } = resources[resource.split('/').at(-1)];
          return { scope: 'event:publish', audience, accessTokenFormat: 'jwt', jwt: { sign: { alg } }, ...more };
        },
      },
    },
  };
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const setup = JSON.parse((await lines.next()).value);
let handle;
const server = createServer({ key: setup.key, cert: setup.certificate }, (request, response) => handle(request, response));
server.listen(setup.port ?? 0, '127.0.0.1', async () => {
  const { port } = server.address();
  const issuer = setup.issuer ?? `https://127.0.0.1:${port}`;
  const publish = (names) => {
    const provider = new Provider(issuer, configuration(setup, names.flatMap(keysOf)));
    handle = provider.callback();
  };
  publish(setup.generations);
  console.log(`ready ${port}`);
  for await (const line of lines) {
    publish(line.split(' '));
    console.log('published');
  }
  process.exit();
});
