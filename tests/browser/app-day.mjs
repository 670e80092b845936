// Some days in the life of a mobile app, with the client that apps use.
//
//   node app-day.mjs '{"gateway": …, "login": …, "password": …, "friend": {…}, "topic": "recipe:…", "retryMs": …}'
//
// Signs in, reads the feed, goes into airplane mode in the middle of a refresh, comes back, hears what happened meanwhile,
// refreshes through several days, is signed out when somebody else uses one of its spent tokens, signs in and out again.
// Prints `result {…}`.

import { createAppClient, MemoryStorage } from 'bff-client'
import WebSocket from 'ws'

const { gateway, login, password, friend, topic, retryMs } = JSON.parse(process.argv[2])
/** Days that go by, and how often a day the app is opened after its access token has ended. */
const [DAYS, OPENINGS] = [4, 6]

const storage = new MemoryStorage()
let signedOut = 0
let airplane = false
let takeOff = new AbortController()
// `lose`: the request goes out and is carried out, and its answer never arrives.
let lose = 0
const network = async (request) => {
  if (airplane) throw new TypeError('airplane mode')
  const response = await fetch(request, { signal: AbortSignal.any([request.signal, takeOff.signal]) })
  if (lose > 0 && new URL(request.url).pathname === '/auth/refresh') {
    lose -= 1
    await response.arrayBuffer()
    if (lose === 0) fly()
    throw new TypeError('the connection was lost')
  }
  return response
}
/** No network from now on: what is open breaks off. */
const fly = () => {
  airplane = true
  takeOff.abort()
}
const land = () => {
  airplane = false
  takeOff = new AbortController()
}
/** A quarter of an hour goes by. */
const later = () => storage.set({ ...storage.get(), expiresAt: Date.now() - 1 })

const app = createAppClient({ baseUrl: gateway, storage, fetch: network, WebSocket, onSignedOut: () => (signedOut += 1) })
const other = createAppClient({ baseUrl: gateway, storage: new MemoryStorage() })
await other.signIn(friend)
const comment = async (body) =>
  (await other.POST('/api/recipes/{id}/comments', { params: { path: { id: topic.split(':')[1] } }, body: { body } })).response.status
const seen = {}

await app.signIn({ login, password })
seen.feed = (await app.GET('/bff/home-feed')).response.status
const again = await app.GET('/bff/home-feed', { params: { query: { view: 'compact' } } })
await app.GET('/bff/home-feed', { params: { query: { view: 'compact' } } })
seen.compact = again.response.status
seen.again = (await app.GET('/bff/home-feed')).response.headers.get('cache-status')

// The app listens, on the transport that breaks off with the network.
const heard = []
const wanted = new Map()
const hear = (text) => (heard.includes(text) ? Promise.resolve() : new Promise((resolve) => wanted.set(text, resolve)))
const stop = new AbortController()
const opened = new Promise((resolve) => wanted.set('ready', resolve))
const listening = (async () => {
  for await (const message of app.notify({ topics: [topic], signal: stop.signal })) {
    const text = message.type === 'comment.created' ? message.data.body : message.type
    heard.push(text)
    wanted.get(text)?.()
  }
})()
await opened
seen.comments = [await comment('before the flight')]
await hear('before the flight')

// Time to refresh: both tries go out, no answer comes back, and then there is no network at all.
const before = storage.get()
later()
lose = 2
seen.inAirplaneMode = await Promise.all([app.GET('/bff/home-feed'), app.GET('/bff/me')]).then(
  () => 'answered',
  (error) => error.message,
)
seen.stillSignedIn = storage.get()?.refreshToken === before.refreshToken
seen.comments.push(await comment('during the flight'))

// Back on the ground: the spent token gets the successor that was lost, and what was missed is heard.
land()
const back = await Promise.all(Array.from({ length: 5 }, () => app.GET('/bff/home-feed')))
seen.back = back.map((answer) => answer.response.status)
seen.newTokens = storage.get().refreshToken !== before.refreshToken
await hear('during the flight')
seen.comments.push(await comment('after the flight'))
await hear('after the flight')
seen.heard = heard.filter((text) => text.includes('flight'))
stop.abort()
await listening

// The same on the transport that React Native has as well.
for await (const message of app.notify({ transport: 'websocket', topics: [topic] })) {
  if (message.type === 'ready') seen.comments.push(await comment('by websocket'))
  if (message.type === 'comment.created') {
    seen.byWebSocket = message.data.body
    break
  }
}

// Days go by: each time the app is opened, several screens ask at once, and one refresh does for all.
const used = new Set([storage.get().refreshToken])
const statuses = new Set()
let spentBy
for (let opening = 0; opening < DAYS * OPENINGS; opening += 1) {
  later()
  const screens = [app.GET('/bff/home-feed'), app.GET('/bff/me'), app.GET('/api/recipes')]
  for (const answer of await Promise.all(screens)) {
    statuses.add(answer.response.status)
  }
  used.add(storage.get().refreshToken)
  spentBy ??= Date.now()
}
seen.days = { openings: DAYS * OPENINGS, tokens: used.size - 1, statuses: [...statuses] }

// Somebody has got hold of a token that was spent so long ago that no answer can have been lost: the whole sign-in ends,
// and the app is told when it next asks.
const [stolen] = used
await new Promise((resolve) => setTimeout(resolve, spentBy + retryMs + 10 - Date.now()))
const theft = await fetch(`${gateway}/auth/refresh`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ refresh_token: stolen }),
})
seen.theft = theft.status
const [feed, me] = await Promise.all([app.GET('/bff/home-feed'), app.GET('/bff/me')])
seen.afterTheft = { statuses: [feed.response.status, me.response.status], told: signedOut, tokensLeft: storage.get() !== undefined }

// Signing in again mends it; signing out is one's own wish and no news.
await app.signIn({ login, password })
seen.mended = (await app.GET('/bff/home-feed')).response.status
const last = storage.get()
await app.signOut()
const refused = await fetch(`${gateway}/bff/me`, { headers: { authorization: `Bearer ${last.accessToken}` } })
seen.afterSignOut = refused.status
seen.signedOut = signedOut
console.log(`result ${JSON.stringify(seen)}`)
process.exit(0)
