// A certified OpenID provider (npm's oidc-provider) with its own sign-in pages, and a front-end page on an origin of
// its own. Everything in memory, on loopback, on free ports; ends with its parent.
//
//   node provider.mjs GATEWAY    where browsers reach the gateway
//
// Prints `listening {"issuer": …, "app": …}` when both are there.

import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import { Provider } from 'oidc-provider'

const gateway = process.argv[2]
// Planted: it must turn up in no log.
const secret = 'planted-client-secret:&+'

const listen = async (server) => {
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  return server.address().port
}

const server = createServer()
// Another name than the gateway's, so that browsers take it for another site.
const issuer = `http://localhost:${await listen(server)}`

const key = (type, options, alg) => ({
  ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }),
  alg,
  use: 'sig',
  kid: alg,
})

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'bff',
      client_secret: secret,
      redirect_uris: [`${gateway}/auth/oidc/certified/callback`],
      backchannel_logout_uri: `${gateway}/auth/oidc/certified/backchannel-logout`,
      backchannel_logout_session_required: true,
      grant_types: ['authorization_code'],
      response_types: ['code'],
    },
  ],
  jwks: { keys: [key('rsa', { modulusLength: 2048 }, 'RS256'), key('ec', { namedCurve: 'P-256' }, 'ES256')] },
  cookies: { keys: ['the-key-of-a-test'] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  features: { backchannelLogout: { enabled: true }, devInteractions: { enabled: true } },
  // Its own refuses to call loopback addresses, and all is on loopback here.
  fetch: (url, { dispatcher: _, ...options }) => fetch(url, options),
  pkce: { required: () => true },
  // Whoever gives a name is it.
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `planted-${id}@mail.example`, email_verified: true, name: `Certified ${id}` }),
  }),
})
for (const event of ['server_error', 'backchannel.error', 'grant.error', 'authorization.error']) {
  provider.on(event, (_, error) => console.error(event, error?.message, error?.error_description ?? ''))
}
server.on('request', provider.callback())

const app = createServer((_, response) => {
  response.setHeader('content-type', 'text/html')
  response.end('<!doctype html><title>app</title><main></main>')
})
const page = `http://127.0.0.1:${await listen(app)}`

// Not even a test that was killed leaves this behind.
const parent = process.ppid
setInterval(() => process.ppid === parent || process.exit(), 500)

console.log(`listening ${JSON.stringify({ issuer, app: page, secret })}`)
