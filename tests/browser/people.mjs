// People with browsers, for the scripts that drive the app: what each of them does often, pictures, what axe finds, and
// everything that a console says.
//
// A script is started with one argument, `{"web": "http://127.0.0.1:…", "pictures": "/folder", …}`, prints a line
// `turn {…}` when it wants something done outside, waits for a line that says it was, and ends with `result {…}`.

import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { launch } from './chromium.mjs'

export const given = JSON.parse(process.argv[2])
export const PASSWORD = 'planted-password-correct-horse'
/** In place of a status: the connection was cut. */
export const CUT_OFF = 0
export const WIDE = { width: 1280, height: 900 }
export const NARROW = { width: 390, height: 844 }

const { web, pictures, issuer } = given
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const browser = await launch()
const consoleMessages = []
const findings = []
const foreseen = []
/** Chromium says each time what a sign-out has cleared. */
let signOuts = 0

export async function person(viewport, options = {}) {
  const context = await browser.newContext({ viewport, locale: 'en', ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  page.on('console', (message) => {
    const { url } = message.location()
    // What the pages of an OpenID provider say is not the app's.
    if (issuer && [url, page.url()].some((place) => place.startsWith(issuer))) return
    // Chromium itself reports every answer of 400 and above.
    const refusal =
      /Failed to load resource: (?:the server responded with a status of (\d+)|net::ERR_[A-Z_]+)/.exec(message.text())
    const known = refusal && foreseen.findIndex((one) => one.status === Number(refusal[1] ?? CUT_OFF) && isAt(url, one.path))
    if (refusal && known >= 0) foreseen.splice(known, 1)
    else if (message.text().startsWith('Clear-Site-Data header on')) signOuts += 1
    else consoleMessages.push(`${message.type()} at ${page.url()}: ${message.text()} (${url})`)
  })
  page.on('pageerror', (error) => consoleMessages.push(`${page.url()} ${error.message}`))
  return { context, page }
}

const isAt = (url, path) => (path instanceof RegExp ? path.test(new URL(url).pathname) : new URL(url).pathname === path)

/** The next request for `path` is answered with `status`, or with nothing, and that is how it should be. */
export const refused = (status, path) => foreseen.push({ status, path })

export const live = (page) => page.waitForSelector('[data-live=on]', { state: 'attached' })

/** When the focus is where it belongs. */
export const focusOn = (page, selector) =>
  page.waitForFunction((where) => document.activeElement?.matches(where), selector)

/** What somebody else did is seen at once where nothing was cached, and with the next refresh otherwise. Asked for by the page
 * itself, and by this script in turns: Playwright takes the promise of an asynchronous condition for true. */
export async function there(page, path, text) {
  for (let tries = 0; tries < 100; tries += 1) {
    const answer = await page.evaluate(async (at) => (await fetch(at)).text(), `${web}${path}`)
    if (answer.includes(text)) return
    await new Promise((resolve) => setTimeout(resolve, 150))
  }
  throw new Error(`${path} never says ${text}`)
}

export async function signUp(page, name) {
  await page.goto(`${web}/sign-up`)
  await page.fill('input[name=email]', `planted-${name}@mail.example`)
  await page.fill('input[name=username]', name)
  await page.fill('input[name=password]', PASSWORD)
  await page.click('main form button')
  await page.waitForURL(`${web}/`)
  await live(page)
}

/** Fills in the form that is on the screen. */
export async function giveName(page, name, password = PASSWORD) {
  await page.fill('input[name=login]', name)
  await page.fill('input[name=password]', password)
  await page.click('main form button')
}

export async function signIn(page, name) {
  await page.goto(`${web}/sign-in`)
  await giveName(page, name)
  await page.waitForURL(`${web}/`)
}

export async function signOut(page) {
  await page.click('header nav button')
  await page.waitForSelector('header a[href="/sign-in"]')
}

/** A picture as it is, and what axe says. */
export async function look(page, name, rules) {
  await page.evaluate(() => document.fonts.ready)
  await page.screenshot({ path: `${pictures}/${name}-${page.viewportSize().width}.png`, fullPage: true })
  // The policy of the page allows no foreign script: this one comes by the protocol.
  await page.evaluate(axe)
  const options = { resultTypes: ['violations'], ...(rules ? { runOnly: rules } : {}) }
  const { violations } = await page.evaluate((how) => globalThis.axe.run(document, how), options)
  for (const { id, impact, nodes } of violations) {
    findings.push({ page: name, id, impact, where: nodes.map((node) => node.target.join(' ')).slice(0, 3) })
  }
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
  if (wide > 0) findings.push({ page: name, id: 'sideways', impact: 'serious', where: [`${wide} px too wide`] })
}

/** On a desk and on a phone, and in the dark where that is asked for. */
export async function looks(page, name, { dark = false } = {}) {
  await page.waitForFunction(() => !document.querySelector('main .skeleton'))
  const before = page.viewportSize()
  for (const viewport of [WIDE, NARROW]) {
    await page.setViewportSize(viewport)
    await look(page, name)
  }
  if (dark) {
    await page.emulateMedia({ colorScheme: 'dark' })
    await look(page, `${name}-dark`, ['color-contrast'])
    await page.emulateMedia({ colorScheme: null })
  }
  await page.setViewportSize(before)
}

/** The code of a step of 30 seconds (RFC 6238 section 4): what an authenticator app does. */
export function code(secret, step) {
  const bits = [...secret].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const digest = createHmac('sha1', key).update(counter).digest()
  const number = digest.readUInt32BE(digest[19] & 15) & 0x7fffffff
  return String(number % 1_000_000).padStart(6, '0')
}

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

/** Has something done outside, and says what came of it. */
export async function turn(name, data = null) {
  console.log(`turn ${JSON.stringify({ name, data })}`)
  return JSON.parse((await answers.next()).value)
}

/** Runs the script to its result. A page that is in the way when it fails is pictured. */
export async function day(script) {
  try {
    const result = await script()
    console.log(`result ${JSON.stringify({ ...result, findings, consoleMessages, signOuts, notSeen: foreseen })}`)
  } catch (error) {
    for (const [at, page] of browser.contexts().flatMap((context) => context.pages()).entries()) {
      await page.screenshot({ path: `${pictures}/failed-${at}.png` }).catch(() => undefined)
      console.error(`page ${at}: ${page.url()}`)
    }
    console.error(error, consoleMessages)
    process.exitCode = 1
  } finally {
    await browser.close()
  }
  process.exit()
}
