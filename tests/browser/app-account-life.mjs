// The life of an account in real browsers: an address is confirmed and changed, a password changed and forgotten, the second
// factor switched on, data taken along, and all of it deleted. `recipe` is the path of somebody else's recipe.

import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'

import { day, focusOn, given, giveName, live, look, looks, NARROW, PASSWORD, person, refused, signUp, turn, WIDE } from './people.mjs'

const { web, recipe } = given
const SECOND = 'planted-password-of-tomorrow'
const THIRD = 'planted-password-of-next-week'
const seen = {}

/** The code of a step of 30 seconds (RFC 6238). */
function code(secret, step) {
  const bits = [...secret].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const digest = createHmac('sha1', key).update(counter).digest()
  const number = digest.readUInt32BE(digest[19] & 15) & 0x7fffffff
  return String(number % 1_000_000).padStart(6, '0')
}

/** Opens the link of a mail. */
async function openLink(page, path, token) {
  await page.goto(`${web}/${path}#token=${token}`)
  await page.waitForFunction(() => window.location.hash === '')
  seen.inTheAddressBar = (seen.inTheAddressBar ?? false) || page.url().includes(token)
}

const mistake = (form) => form.locator('[data-testid=field-error]')
const status = (form, text) => form.locator('[role=status]', { hasText: text }).waitFor()

async function confirmTheAddress(page) {
  await page.goto(`${web}/settings`)
  seen.unconfirmed = await page.locator('.change-email >> text=not confirmed yet').count()
  const token = await turn('confirm dora')
  await openLink(page, 'confirm-email', token)
  await looks(page, 'confirm-email')
  await page.click('main form button')
  await page.waitForSelector('[data-testid=done]')
  await focusOn(page, 'h1')
  await page.click('main a.button')
  await page.waitForURL(`${web}/`)
  await page.goto(`${web}/settings`)
  seen.confirmed = await page.locator('.change-email >> text=not confirmed yet').count()
  // The link a second time.
  refused(422, '/auth/email/confirm')
  await openLink(page, 'confirm-email', token)
  await page.click('main form button')
  await page.waitForSelector('[data-testid=alert]')
  seen.confirmedTwice = await page.textContent('[data-testid=alert]')
}

async function changeTheAddress(page) {
  await page.goto(`${web}/settings`)
  await live(page)
  const form = page.locator('.change-email')
  await form.locator('[name=email]').fill('planted-dora-new@mail.example')
  await form.locator('[name=password]').fill('not-the-password')
  refused(401, '/auth/email')
  await form.locator('button').click()
  await mistake(form).waitFor()
  seen.wrongPassword = await mistake(form).allTextContents()
  await focusOn(page, '.change-email [name=password]')
  await form.locator('[name=email]').fill('planted-dora-new@mail.example')
  await form.locator('[name=password]').fill(PASSWORD)
  await form.locator('button').click()
  await status(form, 'planted-dora-new@mail.example')
  await looks(page, 'settings-account', { dark: true })
  // The mail is read on a phone on which nobody is signed in.
  const phone = await person(NARROW)
  await openLink(phone.page, 'confirm-email', await turn('confirm dora-new'))
  await phone.page.click('main form button')
  await phone.page.waitForSelector('[data-testid=done]')
  await phone.context.close()
  await page.reload()
  await page.waitForSelector('.change-email >> text=planted-dora-new@mail.example')
}

/** Another browser that is signed in, and where it is led when it is not any more. */
async function elsewhere(password, otp) {
  const other = await person(NARROW)
  await other.page.goto(`${web}/sign-in`)
  if (otp) refused(401, '/auth/login')
  await giveName(other.page, 'dora', password)
  if (otp) {
    await other.page.waitForSelector('input[name=otp]')
    await other.page.fill('input[name=otp]', otp)
    await other.page.click('main form > button')
  }
  await other.page.waitForURL(`${web}/`)
  await live(other.page)
  return {
    ...other,
    async isLedOut() {
      await other.page.waitForURL(/\/sign-in\?ended/)
      await other.context.close()
    },
  }
}

async function changeThePassword(page) {
  const other = await elsewhere(PASSWORD)
  await page.goto(`${web}/settings`)
  await live(page)
  const form = page.locator('.change-password')
  const give = async (current, next) => {
    await form.locator('[name=current]').fill(current)
    await form.locator('[name=new]').fill(next)
    await form.locator('button').click()
  }
  refused(401, '/auth/password')
  await give('not-the-password', SECOND)
  await mistake(form).waitFor()
  await focusOn(page, '[name=current]')
  refused(422, '/auth/password')
  await give(PASSWORD, 'short')
  await page.waitForFunction(() => document.activeElement?.matches('.change-password [name=new]'))
  seen.shortPassword = await mistake(form).allTextContents()
  refused(401, '/auth/session')
  await give(PASSWORD, SECOND)
  await status(form, 'is changed')
  await other.isLedOut()
  // This one lives on, under a new id.
  await live(page)
  seen.fieldsAfterwards = await form.locator('[name=current]').inputValue()
  await page.reload()
  await page.waitForSelector('.change-password')
}

async function forgetThePassword(page) {
  await page.goto(`${web}/`)
  await live(page)
  const { page: phone, context } = await person(NARROW)
  await phone.goto(`${web}/sign-in`)
  await phone.click('main >> text=Forgot your password?')
  await phone.waitForURL(`${web}/forgot-password`)
  await looks(phone, 'forgot-password')
  refused(422, '/auth/password/forgot')
  await phone.fill('[name=email]', 'nobody')
  await phone.click('main form button')
  await phone.waitForSelector('[data-testid=field-error]')
  const ask = async (address) => {
    await phone.goto(`${web}/forgot-password`)
    await phone.fill('[name=email]', address)
    await phone.click('main form button')
    await phone.waitForSelector('[data-testid=done]')
    return phone.textContent('main')
  }
  const unknown = await ask('planted-nobody@mail.example')
  seen.sameForUnknown = (await ask('planted-dora-new@mail.example')) === unknown
  const token = await turn('reset dora-new')
  await openLink(phone, 'reset-password', token)
  await looks(phone, 'reset-password')
  refused(422, '/auth/password/reset')
  await phone.fill('[name=new]', 'short')
  await phone.click('main form button')
  await phone.waitForSelector('[data-testid=field-error]')
  refused(401, '/auth/session')
  await phone.fill('[name=new]', THIRD)
  await phone.click('main form button')
  await phone.waitForSelector('[data-testid=done]')
  // Everybody is out.
  await page.waitForURL(/\/sign-in\?ended/)
  await phone.goto(`${web}/sign-in`)
  await openLink(phone, 'reset-password', token)
  refused(422, '/auth/password/reset')
  await phone.fill('[name=new]', SECOND)
  await phone.click('main form button')
  await phone.waitForSelector('[data-testid=alert]')
  seen.usedLink = await phone.textContent('[data-testid=alert]')
  await look(phone, 'reset-used')
  await phone.goto(`${web}/reset-password`)
  await phone.waitForSelector('[data-testid=alert]')
  seen.noLink = await phone.textContent('[data-testid=alert]')
  await context.close()
  refused(401, '/auth/login')
  await giveName(page, 'dora', SECOND)
  await page.waitForSelector('[data-testid=alert]')
  await giveName(page, 'dora', THIRD)
  await page.waitForURL(`${web}/`)
}

async function secondFactor(page) {
  const other = await elsewhere(THIRD)
  await page.goto(`${web}/settings`)
  await live(page)
  const form = page.locator('.two-factor form')
  await form.locator('[name=password]').fill('not-the-password')
  refused(401, '/auth/2fa/totp')
  await form.locator('button').click()
  await mistake(form).waitFor()
  await form.locator('[name=password]').fill(THIRD)
  await form.locator('[name=endOthers]').check()
  refused(401, '/auth/session')
  await form.locator('button').click()
  const secret = await page.textContent('[data-testid=totp-secret]')
  const step = Math.floor(Date.now() / 30_000)
  await page.fill('.two-factor [name=code]', code(secret, step))
  await page.click('.two-factor form button')
  await page.waitForSelector('[data-testid=recovery-codes]')
  const recovery = await page.locator('[data-testid=recovery-codes] code').allTextContents()
  await other.isLedOut()
  await page.click('.two-factor button')
  await page.waitForSelector('.two-factor >> text=Two-factor sign-in is on.')
  return recovery
}

async function takeAlong(page) {
  await page.goto(`${web}/settings`)
  const download = page.waitForEvent('download')
  await page.click('.take-along button')
  const file = await download
  await status(page.locator('.take-along'), 'is saved')
  const data = JSON.parse(readFileSync(await file.path(), 'utf8'))
  seen.taken = {
    name: file.suggestedFilename(),
    hasOwn: JSON.stringify(data.data).includes('A word of my own'),
    incomplete: data.incomplete,
  }
}

async function leave(page, recovery) {
  const other = await elsewhere(THIRD, recovery[0])
  await page.goto(`${web}/settings`)
  await page.click('main a[href="/settings/delete"]')
  await page.waitForURL(`${web}/settings/delete`)
  await looks(page, 'delete-account', { dark: true })
  const form = page.locator('.delete-account')
  await form.locator('button').click()
  await mistake(form).waitFor()
  seen.notTicked = await mistake(form).allTextContents()
  await form.locator('[name=sure]').check()
  await form.locator('[name=password]').fill('not-the-password')
  await form.locator('[name=otp]').fill(recovery[1])
  refused(401, '/api/me')
  await form.locator('button').click()
  await page.waitForFunction(() => document.activeElement?.matches('[name=password]'))
  seen.leaveWrongPassword = await mistake(form).allTextContents()
  await form.locator('[name=password]').fill(THIRD)
  await form.locator('[name=otp]').fill('nothing')
  refused(401, '/api/me')
  await form.locator('button').click()
  await page.waitForFunction(() => document.activeElement?.matches('[name=otp]'))
  seen.leaveWrongCode = await mistake(form).allTextContents()
  await form.locator('[name=otp]').fill(recovery[1])
  refused(401, '/auth/session')
  await form.locator('button').click()
  await page.waitForURL(`${web}/?left=1`)
  seen.goodbye = await page.textContent('main [role=status]')
  await look(page, 'goodbye')
  await other.isLedOut()
  seen.gone = await turn('gone')
  await page.goto(`${web}${recipe}`)
  seen.commentsLeft = await page.locator('[data-testid=comments] >> text=by dora').count()
  await page.goto(`${web}/sign-in`)
  refused(401, '/auth/login')
  await giveName(page, 'dora', THIRD)
  await page.waitForSelector('[data-testid=alert]')
}

async function inKorean() {
  const { page } = await person(NARROW, { locale: 'ko-KR' })
  const korean = async (path, name) => {
    await page.goto(`${web}${path}`)
    await looks(page, name)
    return /[가-힣]/.test(await page.textContent('main h1'))
  }
  seen.korean = [
    await korean('/forgot-password', 'korean-forgot-password'),
    await korean('/reset-password#token=x', 'korean-reset-password'),
    await korean('/confirm-email#token=x', 'korean-confirm-email'),
  ]
  await signUp(page, 'mina')
  seen.korean.push(await korean('/settings', 'korean-settings'), await korean('/settings/delete', 'korean-delete-account'))
}

await day(async () => {
  const { page } = await person(WIDE)
  await signUp(page, 'dora')
  await confirmTheAddress(page)
  await changeTheAddress(page)
  await changeThePassword(page)
  await forgetThePassword(page)
  await turn('settle')
  const recovery = await secondFactor(page)
  await takeAlong(page)
  await leave(page, recovery)
  await inKorean()
  return { seen }
})
