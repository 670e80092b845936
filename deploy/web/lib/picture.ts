// Why a picture was not taken, in words, and whether it is worth trying again as it is.

import { BffError } from "bff-client";

import type { Words } from "./words";

/** What is wrong with a file, by field and code of the gateway. */
const WRONG = { "size.too_large": "tooLarge", "size.too_small": "empty", "contentType.not_allowed": "noPicture" } as const;

/** The words for it; nothing where it is about something else than a picture. */
export function whyNot(failure: unknown, say: Words): string | undefined {
  if (!(failure instanceof BffError)) return undefined;
  for (const { field, code } of failure.errors) {
    const words = WRONG[`${field}.${code}` as keyof typeof WRONG];
    if (words !== undefined) return say.picture[words];
    if (field === "name") return say.picture.badName;
  }
  const known: Readonly<Record<string, string>> = say.picture.problems;
  return known[failure.code];
}

/** Whether the same file may be taken later: what the gateway says of the file itself does not change. */
export function mayGoOn(failure: unknown): boolean {
  return !(failure instanceof BffError) || ![400, 413, 415, 422].includes(failure.status);
}
