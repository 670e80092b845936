'use strict'
// The page can be read without this. It adds the search and "Try it".

const find = document.getElementById('find')
const found = document.querySelector('search [role=status]')
const entries = [...document.querySelectorAll('.op, .shape')].map((element) => ({
  element,
  text: element.textContent.toLowerCase(),
  link: document.querySelector(`.contents a[href="#${CSS.escape(element.id)}"]`)?.parentElement,
}))

function search() {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean)
  let operations = 0
  for (const { element, text, link } of entries) {
    const shown = words.every((word) => text.includes(word))
    element.hidden = !shown
    if (link) link.hidden = !shown
    if (shown && link) operations += 1
  }
  for (const group of document.querySelectorAll('.group')) {
    const within = group.querySelectorAll('.op, .shape')
    group.hidden = words.length > 0 && ![...within].some((element) => !element.hidden)
    const link = document.querySelector(`.contents a[href="#${CSS.escape(group.querySelector('h2').id)}"]`)
    if (link) link.parentElement.hidden = group.hidden
  }
  document.querySelector('.nothing').hidden = entries.some(({ element }) => !element.hidden)
  document.body.classList.toggle('searching', words.length > 0)
  found.textContent = words.length > 0 ? `${operations} ${operations === 1 ? 'operation' : 'operations'}` : ''
}

// A link into what a search has hidden ends the search.
function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)))
  if (!target?.closest('[hidden]')) return
  find.value = ''
  search()
  target.scrollIntoView()
}

find.closest('search').hidden = false
find.addEventListener('input', search)
addEventListener('hashchange', reveal)
addEventListener('keydown', (event) => {
  const writing = event.target.closest?.('input, textarea')
  if (event.key === '/' && !writing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault()
    find.focus()
  } else if (event.key === 'Escape' && event.target === find) {
    find.value = ''
    search()
  }
})

const token = document.querySelector('.token input')
token.form.hidden = false
token.form.addEventListener('submit', (event) => event.preventDefault())

async function call(form) {
  const { method } = form.dataset
  let { path } = form.dataset
  const query = new URLSearchParams()
  const headers = new Headers({ accept: 'application/json' })
  for (const { name, value, dataset } of form.querySelectorAll('input')) {
    if (dataset.in === 'path') path = path.replace(`{${name}}`, encodeURIComponent(value))
    else if (value !== '' && dataset.in === 'query') query.set(name, value)
    else if (value !== '') headers.set(name, value)
  }
  const body = form.elements.body?.value || undefined
  if (body) headers.set('content-type', 'application/json')
  if (token.value) {
    headers.set('authorization', `Bearer ${token.value.trim()}`)
  } else if (method !== 'GET') {
    const session = await fetch('/auth/session')
    if (session.ok) headers.set('x-csrf-token', (await session.json()).csrfToken)
  }
  const target = query.size > 0 ? `${path}?${query}` : path
  const began = performance.now()
  const answer = await fetch(target, { method, headers, body, credentials: token.value ? 'omit' : 'same-origin', cache: 'no-store' })
  const text = await answer.text()
  const took = Math.round(performance.now() - began)
  let shown = text
  try {
    shown = JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    // Not JSON: as it is.
  }
  const seen = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join('\n')
  return `${method} ${target}\n${answer.status} in ${took} ms\n\n${shown}${shown && '\n\n'}${seen}`
}

for (const form of document.querySelectorAll('.try')) {
  form.hidden = false
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    const output = form.querySelector('output')
    const pre = document.createElement('pre')
    pre.tabIndex = 0
    output.replaceChildren(pre)
    pre.textContent = '…'
    try {
      pre.textContent = await call(form)
    } catch (error) {
      pre.textContent = String(error)
    }
  })
}
