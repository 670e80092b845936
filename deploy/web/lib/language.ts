import "server-only";

import { cookies, headers } from "next/headers";
import { cache } from "react";

import { chooseLanguage, DICTIONARIES, type Language, type Words } from "./words";

/** The language of this render. */
export const language = cache(async (): Promise<Language> => {
  const chosen = (await cookies()).get("language")?.value;
  return chooseLanguage(chosen, (await headers()).get("accept-language"));
});

/** Language and words, for components that ask for nothing themselves: what is rendered in one go goes out in one piece. */
export interface Voice {
  lang: Language;
  say: Words;
}

export async function voice(): Promise<Voice> {
  const lang = await language();
  return { lang, say: DICTIONARIES[lang] };
}

/** The words of this render. */
export async function words(): Promise<Words> {
  return DICTIONARIES[await language()];
}
