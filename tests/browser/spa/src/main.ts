// A single-page app on the gateway: sign-up, a feed, writing, and a recipe with live notices that is loaded on demand.

import { createBrowserClient, unwrap } from 'bff-client'
import { el, form } from './page'
import './style.css'

declare global {
  // What `/config.js` sets.
  var __CONFIG__: { title?: string } | undefined
}

// A visitor who is not signed in need not ask and be told 401 each time.
const SIGNED_IN = 'signed-in'

export const bff = createBrowserClient({
  baseUrl: '',
  onSignedOut: () => {
    localStorage.removeItem(SIGNED_IN)
    void show()
  },
})

export const signedIn = () => localStorage.getItem(SIGNED_IN) !== null

const signUp = () =>
  form('sign-up', { email: 'email', username: 'text', password: 'password' }, async (values) => {
    const { email, username, password } = values as { email: string; username: string; password: string }
    await unwrap(bff.POST('/auth/signup', { body: { email, username, password } }))
    await unwrap(bff.POST('/auth/login', { body: { login: username, password } }))
    localStorage.setItem(SIGNED_IN, '')
    await show()
  })

async function home(): Promise<Node[]> {
  if (!signedIn()) return [signUp()]
  const feed = await unwrap(bff.screen('/bff/home-feed'))
  const post = form('post', { text: 'text' }, async ({ text }) => {
    await unwrap(bff.POST('/api/posts', { body: { text: text ?? '' } }))
    await show()
  })
  const posts = (feed.posts ?? []).map((post) => el('li', {}, `${post.author?.username}: ${post.text}`))
  return [el('p', { 'data-me': '' }, feed.profile.username), post, el('ul', { 'data-posts': '' }, ...posts)]
}

/** Shows what is at the address. */
export async function show(): Promise<void> {
  const path = location.pathname
  const recipe = /^\/recipes\/([^/]+)$/.exec(path)?.[1]
  let nodes: Node[]
  if (path === '/') nodes = await home()
  else if (recipe) nodes = [...(await (await import('./recipe')).recipe(recipe)), ...(signedIn() ? [] : [signUp()])]
  else nodes = [el('p', { 'data-nowhere': '' }, 'There is no such page.')]
  document.querySelector('#app')?.replaceChildren(el('h1', {}, document.title), ...nodes)
}

document.title = globalThis.__CONFIG__?.title ?? document.title
addEventListener('popstate', () => void show())
void show()
