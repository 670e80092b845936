// The API reference in a browser: complete, readable, and from the gateway alone.
//
//   node docs.mjs '{"gateway": "http://127.0.0.1:…", "pictures": "/folder", "login": "ada", "password": "…"}'
//
// Prints `result {…}`: what was seen, problems found by axe, messages on the console, requests to anywhere else.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { launch } from './chromium.mjs'

const { gateway, pictures, login, password } = JSON.parse(process.argv[2])
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const SIZES = { 390: { width: 390, height: 844 }, 1280: { width: 1280, height: 900 } }

const browser = await launch()
const consoleMessages = []
const elsewhere = []
const findings = []
const seen = {}

async function open(options) {
  const context = await browser.newContext({ locale: 'en', ...options })
  // There is no other host.
  await context.route(
    (url) => url.origin !== gateway,
    (route) => {
      elsewhere.push(route.request().url())
      return route.abort()
    },
  )
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  page.on('console', (message) => consoleMessages.push(`${message.type()}: ${message.text()}`))
  page.on('pageerror', (error) => consoleMessages.push(error.message))
  return page
}
// Once for each width and for each of the two sets of colours: looking through a page of this length takes seconds.
const LOOKED_THROUGH = ['390-light', '1280-dark']
const look = async (page, name) => {
  seen[`wider than the window: ${name}`] = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  await page.screenshot({ path: `${pictures}/docs-${name}.png` })
  if (!LOOKED_THROUGH.includes(name)) return
  await page.evaluate(axe)
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
  for (const { id, impact, nodes } of violations) {
    findings.push({ name, id, impact, where: nodes.map((node) => node.target.join(' ')).slice(0, 3) })
  }
  findings.push({ name, id: 'looked through', impact: null })
}
const shown = (page) => page.locator('.op:visible').evaluateAll((all) => all.map(({ id }) => id))

try {
  for (const [width, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of ['light', 'dark']) {
      const page = await open({ viewport, colorScheme })
      await page.goto(`${gateway}/docs`)
      await look(page, `${width}-${colorScheme}`)
      seen.ground ??= {}
      seen.ground[colorScheme] = await page.evaluate(() => getComputedStyle(document.body).backgroundColor)
      if (colorScheme === 'light') {
        await page.goto(`${gateway}/docs#createRecipe`)
        seen[`linked to at ${width}`] = await page.locator('#createRecipe h3').isVisible()
        await look(page, `${width}-operation`)
      }
      await page.context().close()
    }
  }

  const page = await open({ viewport: SIZES[1280] })
  await page.goto(`${gateway}/docs`)
  seen.operations = await shown(page)
  await page.keyboard.press('/')
  await page.keyboard.type('own_recipe')
  seen.search = await shown(page)
  seen.said = await page.textContent('search [role=status]')
  await page.fill('#find', 'no such words')
  seen.nothing = [await shown(page), await page.isVisible('.nothing')]
  // A link to what is hidden shows it.
  await page.evaluate(() => { location.hash = '#homeFeed' })
  await page.waitForSelector('#homeFeed h3')
  seen.revealed = (await shown(page)).length

  // Signed in, it reads and writes as the session, with the CSRF token and without a word about it.
  await page.evaluate(
    async (body) => {
      const headers = { 'content-type': 'application/json' }
      await fetch('/auth/login', { method: 'POST', headers, body: JSON.stringify(body) })
    },
    { login, password },
  )
  const tried = async (id, fields = {}) => {
    const form = page.locator(`#${id} .try`)
    for (const [name, value] of Object.entries(fields)) await form.locator(`[name=${name}]`).fill(value)
    await form.locator('button').click()
    await page.waitForFunction((id) => /\n\d{3} in /.test(document.querySelector(`#${id} output`).textContent), id)
    return form.locator('output').textContent()
  }
  seen.read = await tried('mePage')
  seen.written = await tried('createPost', { body: '{"text": "written on the reference page"}' })
  await page.locator('#createPost .try').scrollIntoViewIfNeeded()
  await page.screenshot({ path: `${pictures}/docs-tried.png` })
  await page.context().close()

  const plain = await open({ viewport: SIZES[1280], javaScriptEnabled: false })
  await plain.goto(`${gateway}/docs`)
  seen.withoutScript = await plain.locator('.op').count()
  seen.idleControls = await plain.locator('form:visible, search:visible').count()
  console.log(`result ${JSON.stringify({ seen, findings, consoleMessages, elsewhere })}`)
} finally {
  await browser.close()
}
