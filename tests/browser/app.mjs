// A day with the app in real browsers: what two people do with it together, and what must hold meanwhile.
//
// Its result: what was seen, and times in milliseconds. `metrics` is where the gateway's figures are.

import { day, focusOn, given, giveName, live, look, looks, NARROW, person, refused, signIn, signUp, there, WIDE } from './people.mjs'

const { web, metrics, cook } = given
const times = {}
const seen = {}

/** Milliseconds and requests that the gateway has spent so far, without live connections, which last. */
async function gatewaysShare() {
  const text = await (await fetch(metrics)).text()
  const sum = (figure) =>
    text
      .split('\n')
      .filter((line) => line.startsWith(`bff_http_request_duration_seconds_${figure}{`) && !line.includes('/bff/notify'))
      .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
  return { ms: sum('sum') * 1000, requests: sum('count') }
}

/** Clicks, and waits until the gateway has done it: what is on the screen may be ahead of that. */
async function write(page, button) {
  await Promise.all([page.waitForResponse((response) => new URL(response.url()).pathname.startsWith('/api/')), button.click()])
}

await day(async () => {
  const { page: visitor } = await person(WIDE)
  await visitor.goto(`${web}/sign-in`)
  await looks(visitor, 'sign-in', { dark: true })
  await visitor.goto(`${web}/sign-up`)
  await looks(visitor, 'sign-up')

  const { page: ada, context: adasBrowser } = await person(WIDE)
  const { page: bora } = await person(NARROW)
  await signUp(ada, 'ada')
  await signUp(bora, 'bora')
  await looks(bora, 'feed-empty')

  await bora.goto(`${web}${cook}`)
  await write(bora, bora.locator('.member button[aria-pressed=false]'))
  await bora.waitForSelector('.member button[aria-pressed=true]')
  await looks(bora, 'member')
  const adasPage = await ada.getAttribute('header nav a[href^="/members/"]', 'href')
  await bora.goto(`${web}${adasPage}`)
  await write(bora, bora.locator('.member button[aria-pressed=false]'))
  await bora.waitForSelector('.member button[aria-pressed=true]')

  await ada.goto(`${web}/recipes/new`)
  await ada.fill('input[name=title]', 'Kimchi fried rice')
  await ada.fill('main input[type=number][placeholder]', '200')
  seen.liveCost = await ada.textContent('[data-testid=live-cost]')
  await ada.fill('textarea[name=body]', 'Fry the kimchi, then the rice.')
  await looks(ada, 'form', { dark: true })
  await ada.click('main form > button')
  await ada.waitForSelector('[data-testid=total]')
  seen.recipe = new URL(ada.url()).pathname
  seen.perServing = await ada.textContent('[data-testid=per-serving]')
  await looks(ada, 'recipe')

  await there(bora, '/', 'Kimchi fried rice')
  await bora.goto(web)
  await bora.waitForSelector('[data-testid=post] >> text=Kimchi fried rice')
  const post = bora.locator('[data-testid=post]', { hasText: 'Kimchi fried rice' }).first()
  await write(bora, post.locator('button[aria-pressed=false]'))
  await post.locator('button[aria-pressed=true]').waitFor()
  seen.likes = await post.locator('[data-testid=likes]').textContent()
  await bora.reload()
  seen.likesAfterReload = await bora.locator('[data-testid=post]', { hasText: 'Kimchi fried rice' }).first()
    .locator('[data-testid=likes]').textContent()
  await looks(bora, 'feed', { dark: true })

  await live(ada)
  await bora.goto(`${web}${seen.recipe}`)
  await bora.fill('textarea[name=body]', 'It was very good!')
  const said = performance.now()
  await bora.click('main form button')
  await ada.waitForSelector('[data-testid=notice] >> text=New comment')
  times['comment to notice in the other browser'] = Math.round(performance.now() - said)
  await ada.waitForSelector('[data-testid=comments] >> text=It was very good!')
  await bora.waitForSelector('[data-testid=comments] >> text=It was very good!')
  await look(ada, 'notice')

  // Ada likes the comment; Bora changes it, and then her mind.
  await write(ada, ada.locator('[data-testid=comment] button[aria-pressed=false]'))
  await ada.waitForSelector('[data-testid=comment] button[aria-pressed=true] >> text=1')
  await ada.reload()
  seen.commentLikes = await ada.textContent('[data-testid=comment] [data-testid=likes]')
  seen.othersComment = await ada.locator('[data-testid=own-comment]').count()
  await bora.click('[data-testid=own-comment] >> text=Edit')
  await focusOn(bora, 'textarea')
  await bora.fill('[data-testid=own-comment] textarea', 'It was very good, with an egg on top!')
  await look(bora, 'comment-editor')
  await bora.click('[data-testid=own-comment] >> text=Save')
  await bora.waitForSelector('[data-testid=comments] >> text=with an egg on top')
  await there(ada, seen.recipe, 'with an egg on top')
  await ada.reload()
  await ada.waitForSelector('[data-testid=comments] >> text=with an egg on top')
  await looks(bora, 'comments', { dark: true })
  await bora.click('[data-testid=own-comment] >> text=Delete')
  await look(bora, 'comment-deletion')
  await bora.click('[data-testid=own-comment] [role=group] button >> nth=0')
  await bora.waitForSelector('[data-testid=comment]', { state: 'detached' })
  await focusOn(bora, '#comments')

  // From the click on "sign in" to the posts on the screen, and what of it was the gateway's: nobody else is busy.
  const { page: second } = await person(WIDE)
  await second.goto(`${web}/sign-in`)
  await second.fill('input[name=login]', 'bora')
  await second.fill('input[name=password]', 'planted-password-correct-horse')
  const before = await gatewaysShare()
  const clicked = performance.now()
  await second.click('main form button')
  await second.waitForSelector('[data-testid=post]')
  times['click to feed'] = Math.round(performance.now() - clicked)
  const after = await gatewaysShare()
  times['of it the gateway, all its requests together'] = Math.round(after.ms - before.ms)
  seen.gatewaysRequests = after.requests - before.requests

  await ada.goto(`${web}/settings`)
  const { page: adaElsewhere } = await person(NARROW)
  await signIn(adaElsewhere, 'ada')
  await live(adaElsewhere)
  await ada.reload()
  seen.sessions = await ada.locator('[data-testid=sessions] > li').count()
  await looks(ada, 'settings', { dark: true })
  // One of them is ended, and that browser is told; the other one goes on.
  refused(401, '/auth/session')
  await ada.click('[data-testid=other-session] button')
  await adaElsewhere.waitForURL(/\/sign-in\?ended/)
  await adaElsewhere.waitForSelector('main >> text=You have been signed out')
  await ada.waitForSelector('[data-testid=other-session]', { state: 'detached' })
  await focusOn(ada, '#sessions')
  await look(adaElsewhere, 'ended')
  await giveName(adaElsewhere, 'ada')
  await adaElsewhere.waitForURL(`${web}/`)
  await live(adaElsewhere)
  refused(401, '/auth/session')
  const ended = performance.now()
  await ada.click('main >> text=Sign out everywhere')
  await adaElsewhere.waitForURL(/\/sign-in\?ended/)
  times['sign-out everywhere to the other browser'] = Math.round(performance.now() - ended)
  await ada.waitForSelector('header a[href="/sign-in"]')
  seen.adaIsOut = new URL(ada.url()).pathname
  seen.cookiesLeft = (await adasBrowser.cookies()).filter(({ name }) => name === 'sid').length

  // Without a script the feed can be read.
  const state = await second.context().storageState()
  const { page: plain } = await person(WIDE, { javaScriptEnabled: false, storageState: state })
  await plain.goto(web)
  await plain.waitForSelector('main [data-testid=post] >> text=Kimchi fried rice')

  // The other language, and what visitors see.
  await second.click('header a[lang=ko]')
  await second.waitForSelector('html[lang=ko]')
  const longest = await second.getAttribute('a.attached[href^="/recipes/"] >> nth=-1', 'href')
  for (const [name, path] of [['feed', '/'], ['recipe', longest], ['form', '/recipes/new'], ['settings', '/settings']]) {
    await second.goto(`${web}${path}`)
    await looks(second, `korean-${name}`)
  }
  await visitor.goto(web)
  await looks(visitor, 'visitors')
  const policy = (await second.request.get(web)).headers()['content-security-policy']
  return { seen, times, policy }
})
