// The life of an account in real browsers. Nari has a desk and a phone; what she does at one of them shuts the other one out
// where it should. Links come by real mail: `turn` hands them over.

import { readFile } from 'node:fs/promises'

import { code, day, focusOn, given, giveName, live, look, looks, NARROW, PASSWORD, person, refused, signUp, turn, WIDE } from './people.mjs'

const { web } = given
const TOMORROW = 'planted-password-of-tomorrow'
const RECOVERED = 'planted-password-out-of-the-mail'
const seen = { tokens: [], addressBars: [], stored: [], leaked: [] }
const sent = []

/** Keeps what the pages of a browser send, as it is on the way: without fragments and bodies. */
function listen(context) {
  context.on('request', (request) => {
    sent.push(request.allHeaders().then((headers) => `${request.url().split('#')[0]} ${JSON.stringify(headers)}`, () => ''))
  })
}

const PASSWORD_FORM = '[data-testid=change-password]'
const EMAIL_FORM = '[data-testid=change-email]'
const mistake = (page, form = 'main') => page.textContent(`${form} [data-testid=field-error]`)
const alert = (page, form = 'main') => page.textContent(`${form} [data-testid=alert]`)

/** Fills in a form's fields by their names, and sends it. */
async function send(page, form, fields) {
  for (const [name, value] of Object.entries(fields)) await page.fill(`${form} input[name=${name}]`, value)
  await page.click(`${form} button:not([type=button])`)
}

/** The same, where it is answered with `status`. */
async function sendInVain(page, form, fields, status, path) {
  refused(status, path)
  const answered = page.waitForResponse((response) => new URL(response.url()).pathname === path && response.status() === status)
  await send(page, form, fields)
  await answered
}

/** Opens the link of a mail: its token leaves the address bar at once, and the browser keeps it nowhere. */
async function openLink(page, link, { sameTab = false } = {}) {
  const token = link.split('#token=')[1]
  // From elsewhere, unless it is to be another link of the page that is open.
  if (!sameTab) await page.goto('about:blank')
  await page.goto(link)
  await page.waitForFunction(() => window.location.hash === '')
  if (!seen.tokens.includes(token)) {
    seen.tokens.push(token)
    seen.addressBars.push(page.url().slice(web.length))
  }
}

/** What the browser keeps beside its cookies must hold nothing secret. */
async function nothingIsStored(page) {
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, window.history.state]))
  const secrets = [PASSWORD, TOMORROW, RECOVERED, ...seen.tokens]
  seen.stored.push(...secrets.filter((secret) => kept.includes(secret)))
}

/** Does what ends the session of `other`, which is told. */
async function shutsOut(other, work) {
  await live(other)
  refused(401, '/auth/session')
  await work()
  await other.waitForURL(/\/sign-in\?ended/)
}

async function confirmsTheAddress(desk, phone) {
  await desk.goto(`${web}/settings`)
  seen.unconfirmed = await desk.textContent(`${EMAIL_FORM} .badge`)
  const link = await turn('link|nari|confirm|1')
  // Mail is read on another device, where nobody is signed in.
  await openLink(phone, link)
  await looks(phone, 'confirm-email')
  await phone.click('main button')
  await phone.waitForSelector('[data-testid=confirmed]')
  await focusOn(phone, '[data-testid=confirmed]')
  await look(phone, 'confirm-email-done')
  await desk.reload()
  seen.confirmed = await desk.textContent(`${EMAIL_FORM} .badge`)
  await openLink(phone, link)
  refused(422, '/auth/email/confirm')
  await phone.click('main button')
  await phone.waitForSelector('[data-testid=alert]')
  seen.usedConfirmation = await alert(phone)
  await look(phone, 'confirm-email-used')
}

async function changesTheAddress(desk) {
  await sendInVain(desk, EMAIL_FORM, { email: 'nowhere', password: PASSWORD }, 422, '/auth/email')
  await focusOn(desk, `${EMAIL_FORM} [name=email]`)
  seen.noEmail = await mistake(desk, EMAIL_FORM)
  await sendInVain(desk, EMAIL_FORM, { email: 'planted-nari-new@mail.example', password: 'not-the-password' }, 401, '/auth/email')
  await focusOn(desk, `${EMAIL_FORM} [name=password]`)
  seen.wrongPassword = await mistake(desk, EMAIL_FORM)
  await send(desk, EMAIL_FORM, { password: PASSWORD })
  await desk.waitForSelector(`${EMAIL_FORM} .calm`)
  await looks(desk, 'settings-account', { dark: true })
  await send(desk, EMAIL_FORM, { password: PASSWORD })
  // Sent again. Signed in this time.
  await openLink(desk, await turn('link|nari-new|confirm|2'))
  await desk.click('main button')
  await desk.waitForSelector('[data-testid=confirmed]')
  await desk.click('main a.button')
  await desk.waitForSelector(`${EMAIL_FORM} .badge >> text=confirmed`)
  seen.address = await desk.textContent(`${EMAIL_FORM} strong`)
  await nothingIsStored(desk)
}

/** Two want the same address, and the other one was first. */
async function comesTooLate(desk) {
  const { page: other, context } = await person(NARROW)
  await signUp(other, 'pia')
  await other.goto(`${web}/settings`)
  for (const page of [desk, other]) {
    await send(page, EMAIL_FORM, { email: 'planted-wanted@mail.example', password: PASSWORD })
    await page.waitForSelector(`${EMAIL_FORM} .calm`)
  }
  const [first, second] = [await turn('link|wanted|confirm|1'), await turn('link|wanted|confirm|2')]
  await other.goto(second)
  await other.click('main button')
  await other.waitForSelector('[data-testid=confirmed]')
  await desk.goto(first)
  refused(409, '/auth/email/confirm')
  await desk.click('main button')
  await desk.waitForSelector('[data-testid=alert]')
  seen.takenEmail = await alert(desk)
  await context.close()
}

async function changesThePassword(desk, phone) {
  await phone.goto(`${web}/sign-in`)
  await giveName(phone, 'nari')
  await phone.waitForURL(`${web}/`)
  await desk.goto(`${web}/settings`)
  await sendInVain(desk, PASSWORD_FORM, { current: PASSWORD, new: 'short' }, 422, '/auth/password')
  await focusOn(desk, `${PASSWORD_FORM} [name=new]`)
  seen.weak = await mistake(desk, PASSWORD_FORM)
  await sendInVain(desk, PASSWORD_FORM, { current: 'not-the-password', new: TOMORROW }, 401, '/auth/password')
  await focusOn(desk, `${PASSWORD_FORM} [name=current]`)
  await desk.check(`${PASSWORD_FORM} [type=checkbox]`)
  await looks(desk, 'change-password-wrong')
  await desk.uncheck(`${PASSWORD_FORM} [type=checkbox]`)
  // By keyboard alone.
  await shutsOut(phone, async () => {
    await desk.fill(`${PASSWORD_FORM} [name=current]`, PASSWORD)
    await desk.press(`${PASSWORD_FORM} [name=current]`, 'Enter')
    await desk.waitForSelector(`${PASSWORD_FORM} .calm`)
  })
  await desk.waitForSelector('[data-testid=other-session]', { state: 'detached' })
  await live(desk)
  await look(desk, 'change-password-done')
  await nothingIsStored(desk)
}

async function recoversThePassword(desk, phone) {
  await phone.click('main a[href="/forgot-password"]')
  await phone.waitForURL(`${web}/forgot-password`)
  const ask = async (email) => {
    await send(phone, 'main form', { email })
    await phone.waitForSelector(`[data-testid=sent] >> text=${email}`)
    return (await phone.textContent('[data-testid=sent]')).replace(email, '…')
  }
  await sendInVain(phone, 'main form', { email: 'nowhere' }, 422, '/auth/password/forgot')
  await looks(phone, 'forgot-password')
  seen.linkOfUnknown = await ask('planted-nobody@mail.example')
  seen.linkOfKnown = await ask('planted-nari-new@mail.example')
  await looks(phone, 'forgot-password-sent')
  const older = await turn('link|nari-new|new password|1')
  await ask('planted-nari-new@mail.example')
  const link = await turn('link|nari-new|new password|2')
  // Of two mails the newer one counts, which is opened in the same tab.
  await openLink(phone, older)
  await sendInVain(phone, 'main form', { new: RECOVERED }, 422, '/auth/password/reset')
  await phone.waitForSelector('main a[href="/forgot-password"]')
  await openLink(phone, link, { sameTab: true })
  await phone.waitForSelector('input[name=new]')
  await looks(phone, 'reset-password', { dark: true })
  await sendInVain(phone, 'main form', { new: 'short' }, 422, '/auth/password/reset')
  await focusOn(phone, '[name=new]')
  await shutsOut(desk, () => send(phone, 'main form', { new: RECOVERED }))
  await phone.waitForURL(`${web}/sign-in?reset`)
  await phone.waitForSelector('main >> text=The new password is set.')
  await look(phone, 'sign-in-reset')
  await nothingIsStored(phone)

  await openLink(phone, link)
  await sendInVain(phone, 'main form', { new: RECOVERED }, 422, '/auth/password/reset')
  await phone.waitForSelector('[data-testid=alert]')
  seen.usedReset = await alert(phone)
  await looks(phone, 'reset-password-used')
  await phone.click('main a.button')
  await phone.waitForURL(`${web}/forgot-password`)
  // Without a link it says what to do.
  await phone.goto(`${web}/reset-password`)
  await phone.waitForSelector('main a[href="/forgot-password"]')
  await comeIn([desk, phone])

  // At a browser that is signed in itself: that is over as well, and no news to whoever did it.
  await phone.goto(`${web}/forgot-password`)
  await ask('planted-nari-new@mail.example')
  await phone.goto(web)
  await openLink(desk, await turn('link|nari-new|new password|3'))
  await live(desk)
  await shutsOut(phone, () => send(desk, 'main form', { new: RECOVERED }))
  await desk.waitForURL(`${web}/sign-in?reset`)
  await comeIn([desk, phone])
}

async function comeIn(pages) {
  for (const page of pages) {
    await page.goto(`${web}/sign-in`)
    await giveName(page, 'nari', RECOVERED)
    await page.waitForURL(`${web}/`)
  }
}

/** A second factor. The other device is out before it is on. */
async function switchesOn(desk, phone) {
  await desk.goto(`${web}/settings`)
  await desk.check('.two-factor [name=endOthers]')
  await sendInVain(desk, '.two-factor', { password: 'not-the-password' }, 401, '/auth/2fa/totp')
  await focusOn(desk, '.two-factor [name=password]')
  await look(desk, 'two-factor-wrong-password')
  await shutsOut(phone, () => send(desk, '.two-factor', { password: RECOVERED }))
  const secret = await desk.textContent('[data-testid=totp-secret]')
  await send(desk, '.two-factor', { code: code(secret, Math.floor(Date.now() / 30_000)) })
  const codes = desk.locator('[data-testid=recovery-codes] code')
  await codes.first().waitFor()
  const recovery = await codes.allTextContents()
  await desk.click('.two-factor button')
  await desk.waitForSelector('.two-factor >> text=Two-factor sign-in is on.')
  // The phone comes in again, with a code.
  await phone.goto(`${web}/sign-in`)
  refused(401, '/auth/login')
  await giveName(phone, 'nari', RECOVERED)
  await phone.fill('input[name=otp]', recovery[0])
  await phone.click('main form > button')
  await phone.waitForURL(`${web}/`)
  return recovery
}

async function takesItAllAlong(desk) {
  await desk.goto(`${web}/settings`)
  await turn('recipes|away')
  refused(502, '/api/me/export')
  await desk.click('[data-testid=take-data]')
  await desk.waitForSelector('section[aria-labelledby=your-data] [data-testid=alert]')
  seen.unavailable = await alert(desk, 'section[aria-labelledby=your-data]')
  await turn('recipes|back')
  const [download] = await Promise.all([desk.waitForEvent('download'), desk.click('[data-testid=take-data]')])
  seen.exportName = download.suggestedFilename()
  seen.export = await readFile(await download.path(), 'utf8')
  const said = desk.locator('section[aria-labelledby=your-data] .calm')
  seen.downloaded = await said.textContent()
}

async function leaves(desk, phone, recovery) {
  await desk.click('main a[href="/settings/delete"]')
  await desk.waitForURL(`${web}/settings/delete`)
  await looks(desk, 'delete-account', { dark: true })
  const form = 'main form'
  await sendInVain(desk, form, { password: 'not-the-password', otp: recovery[1] }, 401, '/api/me')
  await focusOn(desk, `${form} [name=password]`)
  await sendInVain(desk, form, { password: RECOVERED, otp: '' }, 401, '/api/me')
  await focusOn(desk, `${form} [name=otp]`)
  await sendInVain(desk, form, { password: RECOVERED, otp: 'nothing' }, 401, '/api/me')
  await desk.waitForSelector('text=This code is wrong')
  seen.wrongCode = await mistake(desk)
  await looks(desk, 'delete-account-wrong')
  // A refusal ends nothing.
  await live(desk)
  await shutsOut(phone, () => send(desk, form, { password: RECOVERED, otp: recovery[1] }))
  await desk.waitForURL(`${web}/?left`)
  seen.gone = await desk.textContent('[data-testid=left]')
  await desk.waitForSelector('header a[href="/sign-in"]')
  await looks(desk, 'left')
  await nothingIsStored(desk)
}

/** The other language, and where guessing ends. */
async function inKorean() {
  const { page } = await person(NARROW, { locale: 'ko-KR' })
  for (const name of ['forgot-password', 'reset-password', 'confirm-email']) {
    await page.goto(`${web}/${name}`)
    await looks(page, `korean-${name}`)
  }
  await signUp(page, 'hana')
  await page.goto(`${web}/settings/delete`)
  await looks(page, 'korean-delete-account')
  await page.goto(`${web}/settings`)
  for (let time = 1; time <= 6; time += 1) {
    await sendInVain(page, PASSWORD_FORM, { current: 'not-the-password', new: TOMORROW }, time <= 5 ? 401 : 429, '/auth/password')
  }
  await page.waitForSelector(`${PASSWORD_FORM} [data-testid=alert]`)
  seen.throttled = await alert(page, PASSWORD_FORM)
  await looks(page, 'korean-settings-account')
}

await day(async () => {
  const { page: desk, context: atDesk } = await person(WIDE)
  const { page: phone, context: onTheWay } = await person(NARROW)
  listen(atDesk)
  listen(onTheWay)
  await signUp(desk, 'nari')
  seen.leaver = await turn('settle|nari')
  await confirmsTheAddress(desk, phone)
  await changesTheAddress(desk)
  await comesTooLate(desk)
  await changesThePassword(desk, phone)
  await recoversThePassword(desk, phone)
  const recovery = await switchesOn(desk, phone)
  await takesItAllAlong(desk)
  await leaves(desk, phone, recovery)
  const heads = (await Promise.all(sent)).join('\n')
  seen.requests = sent.length
  seen.leaked = seen.tokens.filter((token) => heads.includes(token))
  await inKorean()
  return { seen }
})
