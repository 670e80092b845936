// A day in the life of a mobile app, with the client that apps use.
//
//   node app-day.mjs '{"gateway": …, "login": …, "password": …, "friend": {…}}'
//
// Signs in, reads the feed, goes into airplane mode in the middle of a refresh, comes back, hears a live message, signs
// out. Prints `result {…}`.

import { createAppClient, MemoryStorage } from 'bff-client'
import WebSocket from 'ws'

const { gateway, login, password, friend, topic } = JSON.parse(process.argv[2])

const storage = new MemoryStorage()
let signedOut = 0
// `lose`: the request goes out and is carried out, and its answer never arrives.
let airplane = false
let lose = 0
const network = async (request) => {
  if (airplane) throw new TypeError('airplane mode')
  const response = await fetch(request)
  if (lose > 0 && new URL(request.url).pathname === '/auth/refresh') {
    lose -= 1
    await response.arrayBuffer()
    airplane = lose === 0
    throw new TypeError('the connection was lost')
  }
  return response
}
const app = createAppClient({ baseUrl: gateway, storage, fetch: network, WebSocket, onSignedOut: () => (signedOut += 1) })
const seen = {}

await app.signIn({ login, password })
seen.feed = (await app.GET('/bff/home-feed')).response.status
seen.again = (await app.GET('/bff/home-feed')).response.headers.get('cache-status')

// Time to refresh: both tries go out, no answer comes back, and then there is no network at all.
const before = storage.get()
storage.set({ ...before, expiresAt: Date.now() - 1 })
lose = 2
seen.inAirplaneMode = await Promise.all([app.GET('/bff/home-feed'), app.GET('/bff/me')]).then(
  () => 'answered',
  (error) => error.message,
)
seen.stillSignedIn = storage.get()?.refreshToken === before.refreshToken

// Back on the ground: the spent token gets the successor that was lost.
airplane = false
const back = await Promise.all(Array.from({ length: 5 }, () => app.GET('/bff/home-feed')))
seen.back = back.map((answer) => answer.response.status)
seen.newTokens = storage.get().refreshToken !== before.refreshToken

// Something happens, and the app hears of it, on the transport that React Native has as well.
const other = createAppClient({ baseUrl: gateway, storage: new MemoryStorage() })
await other.signIn(friend)
for (const transport of ['sse', 'websocket']) {
  const stop = new AbortController()
  for await (const message of app.notify({ transport, topics: [topic], signal: stop.signal })) {
    if (message.type === 'ready') {
      const { response } = await other.POST('/api/recipes/{id}/comments', {
        params: { path: { id: topic.split(':')[1] } },
        body: { body: `by ${transport}` },
      })
      seen[`comment by ${transport}`] = response.status
    }
    if (message.type === 'comment.created') {
      seen[`heard by ${transport}`] = message.data.body
      stop.abort()
      break
    }
  }
}

const last = storage.get()
await app.signOut()
const refused = await fetch(`${gateway}/bff/me`, { headers: { authorization: `Bearer ${last.accessToken}` } })
seen.afterSignOut = refused.status
seen.signedOut = signedOut
console.log(`result ${JSON.stringify(seen)}`)
process.exit(0)
