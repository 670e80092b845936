// What was typed into a form.

import type { FormEvent } from "react";

/** Holds the form where it is, and reads it. */
export function typed(event: FormEvent<HTMLFormElement>): (name: string) => string {
  event.preventDefault();
  const form = new FormData(event.currentTarget);
  return (name) => String(form.get(name) ?? "");
}
