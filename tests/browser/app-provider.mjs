// Signing in to the app through a certified OpenID provider's own pages, and being signed out by it. `issuer` is where the
// provider is, `login` who it takes the browser for.

import { day, given, live, looks, person, refused, WIDE } from './people.mjs'

const { web, issuer, login } = given
const seen = {}

/** What the provider asks on its two pages. */
async function agree(page) {
  await page.fill('input[name=login]', login)
  await page.fill('input[name=password]', 'anything')
  await page.click('button[type=submit]')
  await page.waitForSelector('input[name=prompt][value=consent]', { state: 'attached' })
  await page.click('button[type=submit]')
}

await day(async () => {
  const { page, context } = await person(WIDE)
  await page.goto(`${web}/sign-up`)
  await looks(page, 'sign-up-providers')
  // A page for members leads to the form, and from there to the provider and back.
  await page.goto(`${web}/settings`)
  await page.waitForURL(`${web}/sign-in?returnTo=%2Fsettings`)
  await looks(page, 'sign-in-providers', { dark: true })
  seen.offered = await page.locator('.providers a').allTextContents()
  await page.click('.providers a')
  await page.waitForSelector('input[name=login]')
  seen.asked = new URL(page.url()).origin
  await agree(page)
  await page.waitForURL(`${web}/settings`)
  await live(page)
  seen.name = await page.textContent('header nav .name')

  // Who never set a password is told how to get one.
  refused(401, '/auth/password')
  await page.fill('[data-testid=change-password] [name=current]', 'never-was-one')
  await page.fill('[data-testid=change-password] [name=new]', 'planted-password-of-tomorrow')
  await page.click('[data-testid=change-password] button')
  const way = page.locator('[data-testid=change-password] a')
  await way.waitFor()
  seen.wayToAPassword = await way.getAttribute('href')
  await looks(page, 'no-password')

  // Signing out there signs out here: the page that is open is told.
  const there = await context.newPage()
  await there.goto(`${issuer}/session/end`)
  refused(401, '/auth/session')
  await there.click('button[value=yes]')
  await page.waitForURL(`${web}/sign-in?ended&returnTo=%2Fsettings`)

  // Who turns back at the provider is where they were, and nobody is signed in.
  await page.goto(`${web}/sign-in`)
  await page.click('.providers a')
  await page.click('a[href$="/abort"]')
  await page.waitForURL(`${web}/?error=access_denied`)
  await page.waitForSelector('header a[href="/sign-in"]')
  return { seen }
})
