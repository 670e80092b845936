// The single-page app in two browsers: behind Vite's dev server, or built and served by the gateway.
//
//   node site.mjs '{"app": "http://127.0.0.1:…", "recipe": …, "served": true, "pictures": "/folder"}'
//
// Prints `result {…}`: what was seen, messages on the console, how long steps took in milliseconds.

import { launch } from './chromium.mjs'

const { app, recipe, served, pictures } = JSON.parse(process.argv[2])
const PASSWORD = 'planted-password-correct-horse'

const browser = await launch()

const consoleMessages = []
const times = {}
const seen = {}
const timed = async (name, step) => {
  const began = performance.now()
  const outcome = await step()
  times[name] = Math.round(performance.now() - began)
  return outcome
}

async function person() {
  const context = await browser.newContext({ locale: 'en' })
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  page.on('console', (message) => {
    // The dev server's own client talks.
    if (served || ['error', 'warning'].includes(message.type())) consoleMessages.push(`${page.url()} ${message.text()}`)
  })
  page.on('pageerror', (error) => consoleMessages.push(`${page.url()} ${error.message}`))
  return { context, page }
}

const signUp = async (page, name) => {
  const form = page.locator('[data-form=sign-up]')
  await form.locator('input[name=email]').fill(`planted-${name}@mail.example`)
  await form.locator('input[name=username]').fill(name)
  await form.locator('input[name=password]').fill(PASSWORD)
  await form.locator('button').click()
  await form.waitFor({ state: 'detached' })
}
const listening = (page) => page.waitForSelector('[data-notices][data-sse=open][data-websocket=open]', { state: 'attached' })

try {
  const { page: ada, context } = await person()
  const first = await timed('first load', () => ada.goto(app, { waitUntil: 'load' }))
  seen.headers = await first.allHeaders()
  seen.title = await ada.title()
  seen.config = await ada.evaluate(() => ({ ...globalThis.__CONFIG__, frozen: Object.isFrozen(globalThis.__CONFIG__) }))

  await timed('sign-up to feed', async () => {
    await signUp(ada, 'ada')
    await ada.waitForSelector('[data-me]')
  })
  await ada.fill('[data-form=post] input', 'Hello from one page')
  await timed('post to feed', async () => {
    await ada.click('[data-form=post] button')
    await ada.waitForSelector('[data-posts] >> text=Hello from one page')
  })
  await timed('reload', async () => {
    await ada.reload()
    await ada.waitForSelector('[data-posts] >> text=Hello from one page')
  })
  seen.loaded = await ada.evaluate(() =>
    performance.getEntriesByType('resource')
      .filter(({ name }) => name.includes('/assets/'))
      .map(({ name, transferSize, decodedBodySize }) => ({ name: new URL(name).pathname, transferSize, decodedBodySize })),
  )
  await ada.screenshot({ path: `${pictures}/spa-${served ? 'served' : 'dev'}.png` })
  seen.cookies = (await context.cookies()).map(({ name, httpOnly, sameSite }) => ({ name, httpOnly, sameSite }))

  await ada.goto(`${app}/recipes/${recipe}`)
  seen.recipe = await ada.textContent('[data-recipe]')
  await listening(ada)

  const { page: bora } = await person()
  await bora.goto(`${app}/recipes/${recipe}`)
  seen.recipeOfAVisitor = await bora.textContent('[data-recipe]')
  await signUp(bora, 'bora')
  await listening(bora)
  await bora.fill('[data-form=comment] input', 'Made it twice')
  await timed('comment to both live notices', async () => {
    await bora.click('[data-form=comment] button')
    await Promise.all(['sse', 'websocket'].map((by) => ada.waitForSelector(`[data-notices] [data-by=${by}]`)))
  })
  await bora.waitForSelector('[data-comments] >> text=Made it twice')
  await ada.waitForSelector('[data-comments] >> text=Made it twice')
  seen.notices = await ada.$$eval('[data-notices] li', (items) => items.map((item) => `${item.dataset.by} ${item.textContent}`).sort())
  await ada.reload()
  seen.afterReload = await ada.textContent('[data-recipe]')
  seen.comments = await ada.$$eval('[data-comments] li', (items) => items.map((item) => item.textContent))

  await ada.goto(`${app}/nowhere/at/all?x=1#y`)
  seen.nowhere = await ada.textContent('[data-nowhere]')

  if (served) {
    // What the policy forbids is said on the console: somebody else's.
    const { page: mallory } = { page: await (await browser.newContext()).newPage() }
    await mallory.goto(app)
    seen.injected = await mallory.evaluate(async () => {
      const script = document.createElement('script')
      script.textContent = 'globalThis.injected = true'
      document.body.append(script)
      const frame = document.createElement('iframe')
      frame.src = '/'
      document.body.append(frame)
      await new Promise((resolve) => frame.addEventListener('load', resolve))
      let evaluated = false
      try { evaluated = (0, eval)('true') } catch { /* forbidden */ }
      let framed = false
      try { framed = frame.contentDocument?.querySelector('#app') !== null && frame.contentDocument !== null } catch { /* an error page */ }
      return { script: globalThis.injected === true, evaluated, framed }
    })
    seen.staleChunk = await mallory.evaluate(() => import('/assets/recipe-G0ne1234.js').then(() => 'loaded', (error) => error.name))
  }
  console.log(`result ${JSON.stringify({ seen, consoleMessages, times })}`)
} finally {
  await browser.close()
}
