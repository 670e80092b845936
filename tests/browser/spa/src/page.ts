// Elements without a framework.

type Child = Node | string

/** An element with attributes, and listeners where they are functions. */
export function el(
  name: string,
  attributes: Record<string, string | ((event: Event) => void)> = {},
  ...children: Child[]
): HTMLElement {
  const element = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(key, value)
    else element.setAttribute(key, value)
  }
  element.append(...children)
  return element
}

// What password managers go by.
const AUTOCOMPLETE: Record<string, string> = { email: 'email', username: 'username', password: 'new-password' }

/** A form that calls `send` with what was filled in, and shows why that was refused. */
export function form(
  name: string,
  inputs: Record<string, string>,
  send: (values: Record<string, string>) => Promise<void>,
): HTMLElement {
  const problem = el('p', { role: 'alert' })
  const fields = Object.entries(inputs).map(([key, type]) =>
    el('label', {}, key, el('input', { name: key, type, required: '', autocomplete: AUTOCOMPLETE[key] ?? 'off' })),
  )
  const submit = (event: Event) => {
    event.preventDefault()
    const values = Object.fromEntries(new FormData(event.target as HTMLFormElement)) as Record<string, string>
    send(values).catch((error: Error) => problem.replaceChildren(error.message))
  }
  return el('form', { 'data-form': name, submit }, ...fields, el('button', {}, name), problem)
}
