// Chromium signs in at the certified provider's own pages, comes back, reads the home feed, signs out at the provider,
// and is signed out here.
//
//   node oidc.mjs '{"gateway": …, "issuer": …, "app": …, "login": …}'
//
// Prints `result {…}`: what the page saw, and how long each step took in milliseconds.

import { launch } from './chromium.mjs'

const { gateway, issuer, app, login } = JSON.parse(process.argv[2])

const browser = await launch()

const times = {}
const timed = async (name, step) => {
  const began = performance.now()
  const outcome = await step()
  times[name] = Math.round(performance.now() - began)
  return outcome
}

try {
  const context = await browser.newContext()
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  // As the front-end calls the gateway: from its own origin, with the cookie.
  const read = (path) =>
    page.evaluate(
      async ([url]) => {
        const response = await fetch(url, { credentials: 'include' })
        return { status: response.status, body: await response.json() }
      },
      [`${gateway}${path}`],
    )

  await page.goto(`${app}/start`)
  const before = await read('/bff/home-feed')

  const returnTo = `${app}/feed?tab=1#top`
  const signIn = `${gateway}/auth/oidc/certified/login?returnTo=${encodeURIComponent(returnTo)}`
  await page.evaluate((url) => {
    const link = document.createElement('a')
    Object.assign(link, { href: url, textContent: 'Sign in' })
    document.querySelector('main').append(link)
  }, signIn)

  await timed('to the provider', async () => {
    await page.click('a')
    await page.waitForSelector('input[name=login]')
  })
  const providersPage = new URL(page.url()).origin
  await page.fill('input[name=login]', login)
  await page.fill('input[name=password]', 'anything')
  await timed('sign-in', async () => {
    await page.click('button[type=submit]')
    // Its second page asks for consent.
    await page.waitForSelector('input[name=prompt][value=consent]', { state: 'attached' })
  })
  await timed('consent, back, signed in', async () => {
    await page.click('button[type=submit]')
    await page.waitForURL(returnTo)
  })
  const landed = page.url()
  const cookies = (await context.cookies(gateway)).map(({ name, httpOnly, sameSite }) => ({ name, httpOnly, sameSite }))
  const feed = await timed('home feed', () => read('/bff/home-feed'))

  await page.goto(`${issuer}/session/end`)
  await timed('sign-out at the provider', async () => {
    await page.click('button[value=yes]')
    await page.waitForURL(`${issuer}/session/end/success`)
  })
  await page.goto(`${app}/after`)
  const after = await read('/bff/home-feed')

  console.log(`result ${JSON.stringify({ before, providersPage, landed, cookies, feed, after, times })}`)
} finally {
  await browser.close()
}
