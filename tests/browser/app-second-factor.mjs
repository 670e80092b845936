// Signing in to the app through a provider with a second factor of one's own: the gateway's page asks for the code, a
// wrong one is told, and loading the provider's answer again does no harm. `issuer` is where the provider is, `login` who
// it takes the browser for.

import { code, day, given, live, looks, person, refused, WIDE } from './people.mjs'

const { web, issuer, login } = given
const seen = {}

/** As the app does it: while the session gets a new id, no tab takes the end of its old one for a sign-out. */
const post = (page, path, body) =>
  page.evaluate(
    ([where, what]) =>
      navigator.locks.request('session', async () => {
        const { csrf } = await (await fetch('/auth/csrf-token')).json()
        const headers = { 'content-type': 'application/json', 'x-csrf-token': csrf }
        const answer = await fetch(where, { method: 'POST', headers, body: JSON.stringify(what) })
        return answer.status === 204 ? null : answer.json()
      }),
    [path, body],
  )

/** From the form of the app to the end of the provider's two pages. */
async function throughTheProvider(page) {
  await page.click('.providers a')
  await page.waitForSelector('input[name=login]')
  await page.fill('input[name=login]', login)
  await page.fill('input[name=password]', 'anything')
  await page.click('button[type=submit]')
  await page.waitForSelector('input[name=prompt][value=consent]', { state: 'attached' })
  await page.click('button[type=submit]')
}

await day(async () => {
  const first = await person(WIDE)
  await first.page.goto(`${web}/sign-in`)
  await throughTheProvider(first.page)
  await first.page.waitForURL(`${web}/`)
  await live(first.page)
  const { secret } = await post(first.page, '/auth/2fa/totp', {})
  const step = Math.floor(Date.now() / 30_000)
  await post(first.page, '/auth/2fa/totp/confirm', { code: code(secret, step) })
  await first.context.close()

  // Another browser, whose pages look ahead at the way in.
  const { page, context } = await person(WIDE, { locale: 'ko-KR' })
  await page.goto(`${web}/sign-in?returnTo=%2Fsettings`)
  const door = '/auth/oidc/certified/login'
  refused(503, door)
  await page.evaluate((href) => {
    const link = document.createElement('link')
    const ended = new Promise((done) => Object.assign(link, { onload: done, onerror: done }))
    Object.assign(link, { rel: 'prefetch', href })
    document.head.append(link)
    return ended
  }, door)
  const names = async () => (await context.cookies(web)).map(({ name }) => name).sort()
  seen.afterLookingAhead = (await names()).filter((name) => name.includes('oidc'))
  let callback
  page.on('request', (request) => {
    if (request.url().includes('/auth/oidc/certified/callback')) callback ??= request.url()
  })
  await throughTheProvider(page)
  await page.waitForURL(`${web}/auth/oidc/certified/second-factor`)
  seen.language = await page.getAttribute('html', 'lang')
  seen.beforeTheCode = await names()
  await looks(page, 'second-factor', { dark: true })
  refused(401, '/auth/oidc/certified/second-factor')
  await page.fill('input[name=otp]', '000000')
  await page.click('button')
  seen.wrong = await page.textContent('[role=alert]')
  await page.fill('input[name=otp]', code(secret, step + 1))
  await page.click('button')
  await page.waitForURL(`${web}/settings`)
  await live(page)
  seen.name = await page.textContent('header nav .name')
  seen.afterTheCode = (await names()).filter((name) => name.includes('oidc'))

  // The provider's answer once more, as after going back: one is signed in.
  await page.goto(callback)
  await page.waitForURL(`${web}/`)
  // And in a browser that is not: a page that says what to do.
  const stranger = await person(WIDE, { locale: 'ko-KR' })
  refused(400, '/auth/oidc/certified/callback')
  await stranger.page.goto(callback)
  seen.stranger = await stranger.page.textContent('h1')
  await looks(stranger.page, 'sign-in-over')
  await stranger.page.click('a.action')
  await stranger.page.waitForSelector('input[name=login]')
  seen.again = new URL(stranger.page.url()).origin === issuer
  return { seen }
})
