// A day with the app in real browsers: everything that people do with it, and what must hold meanwhile.
//
//   node app.mjs '{"web": "http://127.0.0.1:…", "pictures": "/folder"}'
//
// Prints `result {…}`: what was seen, problems found by axe, messages on the console, times in milliseconds.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chromium } from 'playwright-core'

const { web, pictures } = JSON.parse(process.argv[2])
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const PASSWORD = 'planted-password-correct-horse'
const WIDE = { width: 1280, height: 900 }
const NARROW = { width: 390, height: 844 }

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
  ],
})

const consoleMessages = []
const findings = []
const times = {}
const seen = {}

async function person(viewport, options = {}) {
  const context = await browser.newContext({ viewport, locale: 'en', ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') consoleMessages.push(`${page.url()} ${message.text()}`)
  })
  page.on('pageerror', (error) => consoleMessages.push(`${page.url()} ${error.message}`))
  return { context, page }
}

const signUp = async (page, name) => {
  await page.goto(`${web}/sign-up`)
  await page.fill('input[name=email]', `planted-${name}@mail.example`)
  await page.fill('input[name=username]', name)
  await page.fill('input[name=password]', PASSWORD)
  await page.click('main form button')
  await page.waitForURL(`${web}/`)
  await live(page)
}
const signIn = async (page, name) => {
  await page.goto(`${web}/sign-in`)
  await page.fill('input[name=login]', name)
  await page.fill('input[name=password]', PASSWORD)
  await page.click('main form button')
  await page.waitForURL(`${web}/`)
}
const live = (page) => page.waitForSelector('[data-live=on]', { state: 'attached' })
const look = async (page, name) => {
  // What comes late has come, or the picture shows its place.
  await page.waitForFunction(() => !document.querySelector('main .skeleton'))
  await page.evaluate(() => document.fonts.ready)
  await page.screenshot({ path: `${pictures}/${name}-${page.viewportSize().width}.png`, fullPage: true })
  // The policy of the page allows no foreign script: this one comes by the protocol.
  await page.evaluate(axe)
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
  for (const { id, impact, nodes } of violations) {
    findings.push({ page: name, id, impact, where: nodes.map((node) => node.target.join(' ')).slice(0, 3) })
  }
}
const both = async (page, name) => {
  for (const viewport of [WIDE, NARROW]) {
    await page.setViewportSize(viewport)
    await look(page, name)
  }
  await page.setViewportSize(WIDE)
}

try {
  const { page: visitor } = await person(WIDE)
  await visitor.goto(web)
  await both(visitor, 'visitors')
  await visitor.goto(`${web}/sign-in`)
  await both(visitor, 'sign-in')

  const { page: ada, context: adasBrowser } = await person(WIDE)
  const { page: bora } = await person(NARROW)
  await signUp(ada, 'ada')
  await signUp(bora, 'bora')

  const adasPage = await ada.getAttribute('header nav a[href^="/members/"]', 'href')
  await bora.goto(`${web}${adasPage}`)
  await bora.click('button[aria-pressed=false]')
  await bora.waitForSelector('button[aria-pressed=true]')
  await both(bora, 'member')

  await ada.goto(`${web}/recipes/new`)
  await ada.fill('input[name=title]', 'Kimchi fried rice')
  await ada.fill('main input[type=number][placeholder]', '200')
  seen.liveCost = await ada.textContent('[data-testid=live-cost]')
  await ada.fill('textarea[name=body]', 'Fry the kimchi, then the rice.')
  await both(ada, 'form')
  await ada.click('main form > button')
  await ada.waitForSelector('[data-testid=total]')
  seen.recipe = new URL(ada.url()).pathname
  seen.perServing = await ada.textContent('[data-testid=per-serving]')
  await both(ada, 'recipe')

  // The follower sees it, at once where nothing was cached and with the next refresh otherwise.
  await bora.waitForFunction(
    async ([home, title]) => (await (await fetch(home)).text()).includes(title),
    [`${web}/`, 'Kimchi fried rice'],
    { polling: 500 },
  )
  await bora.goto(web)
  await bora.waitForSelector('[data-testid=post] >> text=Kimchi fried rice')
  const post = bora.locator('[data-testid=post]', { hasText: 'Kimchi fried rice' }).first()
  await post.locator('button[aria-pressed=false]').click()
  await post.locator('button[aria-pressed=true]').waitFor()
  seen.likes = await post.locator('[data-testid=likes]').textContent()
  await bora.reload()
  seen.likesAfterReload = await bora.locator('[data-testid=post]', { hasText: 'Kimchi fried rice' }).first()
    .locator('[data-testid=likes]').textContent()
  await both(bora, 'feed')

  await live(ada)
  await bora.goto(`${web}${seen.recipe}`)
  await bora.fill('textarea[name=body]', 'It was very good!')
  const said = performance.now()
  await bora.click('main form button')
  await ada.waitForSelector('[data-testid=notice] >> text=New comment')
  times['comment to notice in the other browser'] = Math.round(performance.now() - said)
  await ada.waitForSelector('[data-testid=comments] >> text=It was very good!')
  await bora.waitForSelector('[data-testid=comments] >> text=It was very good!')
  await both(bora, 'comments')

  // From the click on "sign in" to the posts on the screen, and what of it was the gateway's.
  const { page: second } = await person(WIDE)
  await second.goto(`${web}/sign-in`)
  await second.fill('input[name=login]', 'bora')
  await second.fill('input[name=password]', PASSWORD)
  const clicked = performance.now()
  await second.click('main form button')
  await second.waitForSelector('[data-testid=post]')
  times['click to feed'] = Math.round(performance.now() - clicked)
  times['of it the gateway'] = await second.evaluate(async () => {
    const began = performance.now()
    await (await fetch('/bff/home-feed')).text()
    return Math.round(performance.now() - began)
  })

  await ada.goto(`${web}/settings`)
  await both(ada, 'settings')
  const { page: adaElsewhere } = await person(NARROW)
  await signIn(adaElsewhere, 'ada')
  await live(adaElsewhere)
  await ada.reload()
  seen.sessions = await ada.locator('[data-testid=sessions] > li').count()
  const ended = performance.now()
  await ada.click('main button.link')
  await adaElsewhere.waitForURL(/\/sign-in\?ended/)
  times['sign-out everywhere to the other browser'] = Math.round(performance.now() - ended)
  // Whichever is first: the answer to the click, or the live message that the session is over.
  await ada.waitForSelector('header a[href="/sign-in"]')
  seen.adaIsOut = await ada.locator('header a[href="/sign-in"]').count()
  seen.cookiesLeft = (await adasBrowser.cookies()).filter(({ name }) => name === 'sid').length

  // Without a script the feed can be read.
  const state = await second.context().storageState()
  const { page: plain } = await person(WIDE, { javaScriptEnabled: false, storageState: state })
  await plain.goto(web)
  seen.withoutScript = await plain.locator('[data-testid=post] >> text=Kimchi fried rice').first().isVisible()
  await plain.screenshot({ path: `${pictures}/without-script-1280.png`, fullPage: true })

  // The other language.
  await second.click('header nav a[lang=ko]')
  await second.waitForSelector('html[lang=ko]')
  await second.waitForSelector('[data-testid=post]')
  await both(second, 'korean')
  const policy = (await second.request.get(web)).headers()['content-security-policy']
  console.log(`result ${JSON.stringify({ seen, findings, consoleMessages, times, policy })}`)
} finally {
  await browser.close()
}
