// A recipe with its comments and what happens to it, told over both kinds of connection.

import { unwrap, type RecipePage } from 'bff-client'
import { bff, show, signedIn } from './main'
import { el, form } from './page'

let leave = new AbortController()

const read = (id: string, headers: Record<string, string> = {}) => unwrap(bff.screen('/bff/recipes/{id}', { id, headers }))

const commentsOf = (page: RecipePage) => (page.comments ?? []).map((comment) => el('li', {}, comment.body))

async function listen(id: string, transport: 'sse' | 'websocket', page: { notices: HTMLElement; comments: HTMLElement }) {
  const onState = (state: string) => page.notices.setAttribute(`data-${transport}`, state)
  for await (const message of bff.notify({ topics: [`recipe:${id}`], transport, signal: leave.signal, onState })) {
    if (message.type === 'ready') continue
    page.notices.append(el('li', { 'data-by': transport }, message.type))
    // Whoever was told of a change wants no document from before it.
    page.comments.replaceChildren(...commentsOf(await read(id, { 'cache-control': 'max-age=0' })))
  }
}

export async function recipe(id: string): Promise<Node[]> {
  leave.abort()
  leave = new AbortController()
  const page = await read(id)
  const notices = el('ul', { 'data-notices': '' })
  const comments = el('ul', { 'data-comments': '' }, ...commentsOf(page))
  if (signedIn()) {
    for (const transport of ['sse', 'websocket'] as const) void listen(id, transport, { notices, comments })
  }
  const comment = form('comment', { body: 'text' }, async ({ body }) => {
    await unwrap(bff.POST('/api/recipes/{id}/comments', { params: { path: { id } }, body: { body: body ?? '' } }))
    await show()
  })
  return [el('h2', { 'data-recipe': '' }, page.recipe.title), comments, ...(signedIn() ? [comment] : []), notices]
}
