// Accounts in a real browser: mistakes in forms, two-factor sign-in from its beginning to its end, and sessions that end
// while somebody is writing. `taken` is a member, `recipe` the path of one of their recipes.

import { code, day, focusOn, given, giveName, live, look, looks, NARROW, PASSWORD, person, refused, signOut, signUp, WIDE } from './people.mjs'

const { web, recipe, taken } = given
const seen = {}

const alert = (page) => page.textContent('main [data-testid=alert]')
const mistakes = (page) => page.locator('[data-testid=field-error]').allTextContents()
const submit = (page) => page.click('main form > button')

async function mistakesWhenSigningUp(page) {
  await page.goto(`${web}/sign-up`)
  await page.fill('input[name=email]', 'nobody')
  await page.fill('input[name=username]', 'a!')
  await page.fill('input[name=password]', 'short')
  refused(422, '/auth/signup')
  await submit(page)
  await page.waitForSelector('[data-testid=field-error]')
  seen.mistakes = await mistakes(page)
  // The first field that is wrong.
  await focusOn(page, '[name=email]')
  await looks(page, 'sign-up-mistakes')
  await page.fill('input[name=email]', 'planted-other@mail.example')
  await page.fill('input[name=username]', taken)
  await page.fill('input[name=password]', PASSWORD)
  refused(409, '/auth/signup')
  await submit(page)
  await page.waitForSelector('text=This name is taken.')
  await focusOn(page, '[name=username]')
}

async function wrongPasswords(page) {
  await page.goto(`${web}/sign-in`)
  for (let time = 1; time <= 6; time += 1) {
    refused(time <= 5 ? 401 : 429, '/auth/login')
    const answered = page.waitForResponse((response) => response.url().endsWith('/auth/login'))
    await giveName(page, taken, 'not-the-password')
    await answered
    if (time === 1) {
      await page.waitForSelector('[data-testid=alert]')
      seen.wrongPassword = await alert(page)
      await look(page, 'sign-in-wrong')
    }
  }
  await page.waitForSelector('[data-testid=alert] >> text=Too many')
  seen.throttled = await alert(page)
}

async function turnOn(page) {
  await page.goto(`${web}/settings`)
  await page.fill('.two-factor input[name=password]', PASSWORD)
  await page.click('.two-factor button')
  const qr = page.locator('[data-testid=qr]')
  await qr.waitFor()
  const secret = await page.textContent('[data-testid=totp-secret]')
  const uri = new URL(await qr.getAttribute('data-uri'))
  seen.qr = {
    drawn: await qr.evaluate(async (image) => (await image.decode(), image.naturalWidth > 0)),
    kind: `${uri.protocol}//${uri.host}`,
    sameSecret: uri.searchParams.get('secret') === secret,
  }
  await focusOn(page, '[name=code]')
  await looks(page, 'two-factor-enrolling')
  refused(422, '/auth/2fa/totp/confirm')
  await page.fill('input[name=code]', 'wrong1')
  await page.click('.two-factor form button')
  await page.waitForSelector('[data-testid=field-error]')
  seen.wrongCode = await mistakes(page)
  const step = Math.floor(Date.now() / 30_000)
  await page.fill('input[name=code]', code(secret, step))
  await page.click('.two-factor form button')
  const codes = page.locator('[data-testid=recovery-codes] code')
  await codes.first().waitFor()
  const recovery = await codes.allTextContents()
  seen.recoveryCodes = recovery.length
  await looks(page, 'two-factor-codes', { dark: true })
  await page.click('.two-factor button')
  await page.waitForSelector('.two-factor >> text=Two-factor sign-in is on.')
  await page.reload()
  seen.shownAgain = (await page.content()).includes(recovery[0])
  await look(page, 'two-factor-on')
  // The session has a new id: the live connection goes on with it.
  await live(page)
  seen.stillThere = new URL(page.url()).pathname
  return { secret, step, recovery }
}

async function signInWithCodes(page, { secret, step, recovery }) {
  const begin = async () => {
    await signOut(page)
    await page.goto(`${web}/sign-in?returnTo=/settings`)
    refused(401, '/auth/login')
    await giveName(page, 'carol')
    await page.waitForSelector('input[name=otp]')
  }
  const give = async (otp) => {
    await page.fill('input[name=otp]', otp)
    await submit(page)
  }
  await begin()
  await focusOn(page, '[name=otp]')
  await looks(page, 'two-factor-sign-in')
  refused(401, '/auth/login')
  await give('000000')
  await page.waitForSelector('[data-testid=field-error]')
  seen.wrongOtp = await mistakes(page)
  await look(page, 'two-factor-sign-in-wrong')
  await give(code(secret, step + 1))
  await page.waitForURL(`${web}/settings`)

  await begin()
  await give(recovery[0])
  await page.waitForURL(`${web}/settings`)
  await begin()
  refused(401, '/auth/login')
  await give(recovery[0])
  await page.waitForSelector('[data-testid=field-error]')
  seen.usedRecovery = await mistakes(page)
  await give(recovery[1])
  await page.waitForURL(`${web}/settings`)
}

async function turnOff(page, recovery) {
  refused(422, '/auth/2fa/totp')
  await page.fill('input[name=code]', 'nothing')
  await page.click('.two-factor form button')
  await page.waitForSelector('[data-testid=field-error]')
  await page.fill('input[name=code]', recovery[2])
  await page.click('.two-factor form button')
  await page.waitForSelector('.two-factor >> text=Turn on')
  await signOut(page)
  // Somebody who wants to lead people away gets them no farther than our own home page.
  await page.goto(`${web}/sign-in?returnTo=${encodeURIComponent('//elsewhere.example/')}`)
  await giveName(page, 'carol')
  await page.waitForURL(`${web}/`)
}

async function sessionEndsInTheMiddle(page, context) {
  await page.goto(`${web}${recipe}`)
  await live(page)
  await page.fill('textarea[name=body]', 'Half a thought')
  await context.clearCookies({ name: 'sid' })
  refused(401, '/auth/csrf-token')
  refused(401, `/api${recipe}/comments`)
  await page.click('[data-testid=comment-form] button')
  await page.waitForURL(/\/sign-in\?ended/)
  await look(page, 'ended-in-the-middle')
  await giveName(page, 'carol')
  await page.waitForURL(`${web}${recipe}`)
  await page.waitForFunction(() => document.querySelector('textarea[name=body]')?.value !== '')
  seen.comment = await page.inputValue('textarea[name=body]')
  await page.click('[data-testid=comment-form] button')
  await page.waitForSelector('[data-testid=comments] >> text=Half a thought')
  seen.formAfterwards = await page.inputValue('textarea[name=body]')

  await page.goto(`${web}/recipes/new`)
  refused(422, '/api/recipes')
  await submit(page)
  await page.waitForSelector('[data-testid=field-error]')
  seen.recipeMistakes = (await mistakes(page)).length
  await focusOn(page, '[name=title]')
  await looks(page, 'form-mistakes', { dark: true })
  await page.fill('input[name=title]', 'A soup that took an hour to write')
  await page.fill('input[name=servings]', '3')
  await page.fill('main input[type=number][placeholder]', '150')
  const cost = await page.textContent('[data-testid=live-cost]')
  await context.clearCookies({ name: 'sid' })
  refused(401, '/api/recipes')
  await submit(page)
  await page.waitForURL(/\/sign-in\?ended/)
  await giveName(page, 'carol')
  await page.waitForURL(`${web}/recipes/new`)
  await page.waitForFunction(() => document.querySelector('input[name=title]')?.value !== '')
  seen.title = await page.inputValue('input[name=title]')
  seen.sameCost = (await page.textContent('[data-testid=live-cost]')) === cost
  // A page for members, asked for by nobody in particular.
  await signOut(page)
  await page.goto(`${web}/settings`)
  await page.waitForURL(`${web}/sign-in?returnTo=%2Fsettings`)
  await page.waitForSelector('main >> text=Sign in to see that page.')
}

async function inKorean() {
  const { page } = await person(NARROW, { locale: 'ko-KR' })
  await page.goto(`${web}/sign-up`)
  refused(422, '/auth/signup')
  await submit(page)
  await page.waitForSelector('[data-testid=field-error]')
  seen.koreanMistakes = (await mistakes(page)).every((text) => /[가-힣]/.test(text))
  await looks(page, 'korean-sign-up-mistakes')
  refused(404, '/recipes/nowhere')
  await page.goto(`${web}/recipes/nowhere`)
  await looks(page, 'korean-not-found')
}

await day(async () => {
  const { page, context } = await person(WIDE)
  await mistakesWhenSigningUp(page)
  await wrongPasswords(page)
  await signUp(page, 'carol')
  const factor = await turnOn(page)
  await signInWithCodes(page, factor)
  await turnOff(page, factor.recovery)
  await sessionEndsInTheMiddle(page, context)
  await inKorean()
  return { seen }
})
