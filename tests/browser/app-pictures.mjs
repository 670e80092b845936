// Pictures in real browsers: a photo of 7 MB is sent with progress, cut off, gone on with, and seen by a follower; a member's
// own picture changes and is seen in another browser. `folder` is for files that are chosen by their path.

import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

import { CUT_OFF, day, given, live, look, looks, NARROW, person, refused, signIn, signUp, there, turn, WIDE } from './people.mjs'

const sharp = createRequire(new URL('../../deploy/web/package.json', import.meta.url))('sharp')

const { web } = given
const seen = {}
const MIB = 1 << 20

/** A photo of 6 to 8 MiB that a browser can show, as a camera makes them: mostly noise. */
async function photo() {
  const background = { r: 190, g: 120, b: 60 }
  const noise = { type: 'gaussian', mean: 128, sigma: 40 }
  for (let width = 2700; ; width += 40) {
    const image = sharp({ create: { width, height: Math.round(width * 0.75), channels: 3, background, noise } })
    const buffer = await image.jpeg({ quality: 92 }).toBuffer()
    if (buffer.length > 6.8 * MIB) return { name: '김치볶음밥.jpg', mimeType: 'image/jpeg', buffer }
  }
}

const face = async () => ({
  name: 'me.png',
  mimeType: 'image/png',
  buffer: await sharp({ create: { width: 400, height: 400, channels: 3, background: { r: 30, g: 90, b: 160 } } }).png().toBuffer(),
})

/** Notes every value of the progress bar. */
const watch = (page) =>
  page.evaluate(() => {
    globalThis.progress = []
    const note = () => {
      const bar = document.querySelector('progress')
      if (bar && globalThis.progress.at(-1) !== bar.value) globalThis.progress.push(bar.value)
    }
    new MutationObserver(note).observe(document.body, { subtree: true, childList: true, attributes: true })
  })

/** Waits until so much of a picture is sent; how much it is. */
const reaches = async (page, percent) => {
  const value = await page.waitForFunction((least) => {
    const now = Number(document.querySelector('progress')?.value)
    return now >= least && now
  }, percent)
  return value.jsonValue()
}

/** What the gateway was asked for, by method and path. */
function journal(page) {
  const asked = []
  page.on('request', (request) => {
    const { pathname } = new URL(request.url())
    if (pathname.startsWith('/files/upload/')) asked.push(`${request.method()} ${pathname}`)
  })
  return asked
}

/** A picture that is there: as large as its place needs on this screen, and no larger than twice that. */
async function shown(page, selector) {
  await page.waitForSelector(selector)
  await page.locator(selector).first().scrollIntoViewIfNeeded()
  await page.waitForFunction((which) => {
    const image = document.querySelector(which)
    return image?.complete && image.naturalWidth > 0
  }, selector)
  return page.evaluate((which) => {
    const image = document.querySelector(which)
    const { width, height } = image.getBoundingClientRect()
    return {
      place: Math.round(width),
      shape: Math.round((100 * width) / height) / 100,
      natural: image.naturalWidth,
      fits: image.naturalWidth >= width * 0.9 && image.naturalWidth <= Math.max(width * 2.1, 480),
      from: new URL(image.currentSrc).pathname,
    }
  }, selector)
}

async function writeWithPhoto(page) {
  await page.goto(`${web}/recipes/new`)
  await live(page)
  await page.fill('[name=title]', '김치볶음밥')
  await page.fill('main input[type=number][placeholder]', '300')
  await page.fill('[name=body]', 'Fry it.')
  // What is no picture is told at once, and nothing is sent.
  const asked = journal(page)
  await page.setInputFiles('.picture-field input', { name: 'x.html', mimeType: 'text/html', buffer: Buffer.from('<p>') })
  await page.waitForSelector('.picture-field [data-testid=alert]')
  seen.noPicture = await page.textContent('.picture-field [data-testid=alert]')
  seen.askedForNothing = asked.length

  const file = await photo()
  seen.mebibytes = file.buffer.length / MIB
  await watch(page)
  // Nothing here depends on time: the link carries what it is told to.
  await turn('hold')
  await page.setInputFiles('.picture-field input', file)
  const first = await reaches(page, 1)
  // A form is not sent before its picture is there.
  await page.press('[name=title]', 'Enter')
  await page.waitForSelector('main form > [data-testid=alert] >> text=still on its way')
  await look(page, 'photo-on-its-way')
  await turn('more')
  await reaches(page, first + 1)
  // In the middle of it the connection goes.
  refused(CUT_OFF, /^\/files\/upload\/[^/]+\/parts\/1$/)
  // A browser itself sends once more what a connection lost that had carried something else before: it goes twice.
  await turn('cut')
  await turn('cut')
  await page.waitForFunction(() => globalThis.progress.some((value, at, all) => value < all[at - 1]))
  await turn('free')
  await page.waitForSelector('.picture-field .wide')
  seen.progress = await page.evaluate(() => globalThis.progress)
  seen.begun = asked.filter((one) => one === 'POST /files/upload/presign').length
  seen.sent = asked.filter((one) => one.startsWith('PUT ')).length
  seen.inTheForm = await shown(page, '.picture-field .wide')
  seen.typedMeanwhile = await page.inputValue('[name=title]')
  await looks(page, 'recipe-form-with-photo')
  await page.click('main form > button')
  await page.waitForURL(/\/recipes\/[^/]+$/)
  await page.waitForSelector('article.recipe')
  seen.onItsPage = await shown(page, 'article.recipe img.dish')
  await looks(page, 'recipe-with-photo')
  seen.recipe = new URL(page.url()).pathname
}

/** An upload that was left by a reload is gone on with when the file is chosen again. */
async function leaveAndComeBack(page) {
  await page.goto(`${web}${seen.recipe}/edit`)
  await live(page)
  seen.stillThere = await page.locator('.picture-field .wide').count()
  const file = await sharp({ create: { width: 2200, height: 1600, channels: 3, background: '#553311', noise: { type: 'gaussian', mean: 100, sigma: 30 } } })
    .jpeg({ quality: 92 })
    .toBuffer()
  const path = join(given.folder, 'another.jpg')
  writeFileSync(path, file)
  await turn('hold')
  await page.setInputFiles('.picture-field input', path)
  await reaches(page, 1)
  const asked = journal(page)
  await page.reload()
  await turn('free')
  await live(page)
  const before = await page.getAttribute('.picture-field .wide', 'data-of')
  asked.length = 0
  await page.setInputFiles('.picture-field input', path)
  await page.waitForFunction((old) => {
    const image = document.querySelector('.picture-field .wide')
    return image && image.dataset.of !== old
  }, before)
  seen.afterTheReload = {
    begun: asked.filter((one) => one === 'POST /files/upload/presign').length,
    asked: asked.filter((one) => one.startsWith('GET ')).length,
  }
  // And it can be taken away, by keyboard.
  await page.focus('.picture-field button.link')
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => !document.querySelector('.picture-field .wide'))
  await page.reload()
}

async function seenByTheFollower() {
  for (const viewport of [NARROW, WIDE]) {
    const { page, context } = await person(viewport)
    await signIn(page, 'bora')
    await live(page)
    const picture = await shown(page, '[data-testid=post] img.wide')
    seen[`feedAt${viewport.width}`] = picture
    await look(page, 'feed-with-photo')
    if (viewport === WIDE) {
      seen.faceBefore = await page.locator('[data-testid=post] img.avatar').count()
      return { page, context }
    }
    await context.close()
  }
}

async function changeFace(page) {
  await page.goto(`${web}/settings`)
  await live(page)
  await page.setInputFiles('.avatar-field input[type=file]', await face())
  await page.waitForSelector('.avatar-field img.avatar')
  seen.face = await shown(page, '.avatar-field img.avatar')
  await looks(page, 'settings-with-face')
}

async function privateFiles(page) {
  // Nobody's cookie goes where everybody's copies are made.
  const key = await turn('private')
  const own = await page.request.get(`${web}/files/${key}`)
  const statuses = []
  for (const url of [`/pictures/${key}`, `/files/${key}`, `/pictures/${key}?x=1`, 'http://127.0.0.1:1/x.png']) {
    const answer = await page.request.get(`${web}/_next/image?url=${encodeURIComponent(url)}&w=480&q=75`)
    statuses.push(answer.status())
  }
  seen.private = { own: own.status(), optimised: statuses.map((status) => status >= 400) }
}

await day(async () => {
  const { page } = await person(WIDE)
  await signUp(page, 'cook')
  await turn('follow')
  await writeWithPhoto(page)
  const follower = await seenByTheFollower()
  await changeFace(page)
  // A feed that is cached is refreshed behind whoever asks next.
  await there(follower.page, '/bff/home-feed', '"avatarUrl":"/files/')
  await follower.page.goto(`${web}/`)
  seen.faceElsewhere = await shown(follower.page, '[data-testid=post] img.avatar')
  await leaveAndComeBack(page)
  await privateFiles(page)
  return { seen }
})
