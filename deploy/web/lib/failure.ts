// What went wrong, in the words of whoever reads it. The gateway's codes decide; its own words are for developers.

import { BffError } from "bff-client";

import type { Language, Words } from "./words";

export interface Failure {
  /** What the gateway calls it; `unreachable` where there was no answer. */
  code: string;
  /** For the form as a whole; nothing where every mistake stands beside its field. */
  message: string | undefined;
  /** By the name of the field as the gateway knows it: `ingredients[0].amount`. */
  fields: Readonly<Record<string, string>>;
}

/** Refusals that are about one field though they name none. */
const FIELD_OF: Readonly<Record<string, string>> = { email_taken: "email", username_taken: "username", otp_invalid: "code" };

export function explain(error: unknown, say: Words, language: Language): Failure {
  if (!(error instanceof BffError)) return { code: "unreachable", message: say.problems.unreachable, fields: {} };
  const known: Readonly<Record<string, string>> = say.problems;
  const about: Readonly<Record<string, string>> = say.mistakes;
  const words = known[error.code] ?? (error.status >= 500 ? say.problems.upstream_unavailable : say.failed);
  const mistake = (field: string, code: string) => about[`${last(field)}.${code}`] ?? about[code] ?? say.mistakes.invalid;
  const fields = Object.fromEntries(error.errors.map(({ field, code }) => [field, mistake(field, code)]));
  const field = FIELD_OF[error.code];
  if (field !== undefined) fields[field] = words;
  const elsewhere = Object.keys(fields).length === 0;
  const wait = error.retryAfter === undefined ? "" : ` ${say.again(duration(error.retryAfter, language))}`;
  return { code: error.code, message: elsewhere ? `${words}${wait}` : undefined, fields };
}

/** `amount` of `ingredients[0].amount`. */
function last(field: string): string {
  return field.slice(field.lastIndexOf(".") + 1);
}

/** Seconds in words, rounded up to what people wait by: "12 minutes". */
function duration(seconds: number, language: Language): string {
  const [count, unit] = seconds < 60 ? [Math.max(1, seconds), "second"] : [Math.ceil(seconds / 60), "minute"];
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(count);
}
