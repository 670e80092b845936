// The app while services behind the gateway are slow, fail, or are away. `cookies` are those of members whose feed nobody
// has asked for yet; what happens to the services is done outside, in turns.

import { day, given, live, look, looks, NARROW, person, refused, turn, WIDE } from './people.mjs'

const { web, cookies, recipe, post: postPath, text } = given
const seen = {}

async function member(name, viewport = WIDE, options = {}) {
  const { page, context } = await person(viewport, options)
  await context.addCookies([{ name: 'sid', value: cookies[name], url: web, httpOnly: true, sameSite: 'Lax' }])
  return page
}

/** The profile is on the screen while the timeline has not answered. */
async function profileFirst() {
  const page = await member('dana')
  await turn('hold timeline')
  await page.goto(web, { waitUntil: 'commit' })
  await page.waitForSelector('[data-testid=profile]')
  await page.waitForSelector('[data-testid=skeleton]')
  seen.profileFirst = { posts: await page.locator('[data-testid=post]').count(), asked: await turn('timeline is asked') }
  await look(page, 'profile-first')
  await turn('heal')
  await page.waitForSelector(`[data-testid=post] >> text=${text}`)
  await page.waitForSelector('[data-testid=skeleton]', { state: 'detached' })

  // What comes late can be read without a script as well.
  const plain = await member('emil', WIDE, { javaScriptEnabled: false })
  await turn('hold timeline')
  const arrived = plain.goto(web)
  await plain.waitForSelector('[data-testid=profile]')
  await turn('heal')
  await arrived
  await plain.waitForSelector(`[data-testid=post] >> text=${text}`)
  await plain.screenshot({ path: `${given.pictures}/late-without-script-1280.png`, fullPage: true })
  return page
}

async function likes(page) {
  await live(page)
  const post = page.locator('[data-testid=post]', { hasText: text }).first()
  const state = async () => [
    await post.locator('button').getAttribute('aria-pressed'),
    await post.locator('[data-testid=likes]').textContent(),
  ]
  // Shown before the gateway has an answer …
  await turn('hold likes')
  await post.locator('button').click()
  await post.locator('button[aria-pressed=true]').waitFor()
  seen.atOnce = { shown: await state(), asked: await turn('likes are asked') }
  const written = page.waitForResponse((response) => new URL(response.url()).pathname === postPath)
  await turn('heal')
  await written
  await page.reload()
  await live(page)
  seen.afterwards = await state()
  // … and put back when it is no.
  await turn('fail likes')
  refused(502, postPath)
  await post.locator('button').click()
  await post.locator('[data-testid=alert]').waitFor()
  await post.locator('button[aria-pressed=true]').waitFor()
  seen.putBack = { shown: await state(), said: await post.locator('[data-testid=alert]').textContent() }
  await look(page, 'like-failed')
  await turn('heal')
  // Too much to do is something else than a failure: it says when to come back.
  await turn('timeline is busy')
  refused(503, postPath)
  await post.locator('button').click()
  await post.locator('[data-testid=alert] >> text=Try again in').waitFor()
  await post.locator('button[aria-pressed=true]').waitFor()
  seen.busy = { shown: await state(), said: await post.locator('[data-testid=alert]').textContent() }
  await turn('heal')
}

async function formsKeepTheirText(page) {
  await page.goto(`${web}${recipe}`)
  await live(page)
  await page.fill('textarea[name=body]', 'Written while it rained')
  await turn('fail comments')
  refused(502, `/api${recipe}/comments`)
  await page.click('[data-testid=comment-form] button')
  await page.waitForSelector('[data-testid=alert]')
  seen.failed = {
    said: await page.textContent('[data-testid=alert]'),
    text: await page.inputValue('textarea[name=body]'),
    focusStays: await page.evaluate(() => document.activeElement?.tagName),
  }
  await look(page, 'comment-failed')
  await turn('heal')
  // A service that failed may have written it all the same: nothing is sent twice before somebody has looked.
  refused(409, `/api${recipe}/comments`)
  await page.click('[data-testid=comment-form] button')
  await page.waitForSelector('[data-testid=alert] >> text=not certain')
  seen.uncertain = {
    text: await page.inputValue('textarea[name=body]'),
    written: await page.locator('[data-testid=comments] >> text=Written while it rained').count(),
  }
  await page.click('[data-testid=comment-form] button')
  await page.waitForSelector('[data-testid=comments] >> text=Written while it rained')
  seen.once = await page.locator('[data-testid=comments] >> text=Written while it rained').count()
}

/** A part that is away leaves a placeholder, and comes back without anybody doing anything. */
async function partsComeBack() {
  const page = await member('finn', NARROW)
  await turn('recipe away')
  const answer = await page.goto(web)
  await page.waitForSelector('[data-testid=missing]')
  seen.degraded = { status: answer.status(), posts: await page.locator('[data-testid=post]').count() > 0 }
  await looks(page, 'degraded', { dark: true })
  const began = performance.now()
  await turn('heal')
  await page.waitForSelector('[data-testid=missing]', { state: 'detached' })
  await page.waitForSelector('[data-testid=recipes]')
  return { 'service back to part on the screen': Math.round(performance.now() - began) }
}

await day(async () => {
  const page = await profileFirst()
  await likes(page)
  await formsKeepTheirText(page)
  return { seen, times: await partsComeBack() }
})
