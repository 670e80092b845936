import "server-only";

import { cookies, headers } from "next/headers";
import { cache } from "react";

import { chooseLanguage, DICTIONARIES, type Language, type Words } from "./words";

/** The language of this render. */
export const language = cache(async (): Promise<Language> => {
  const chosen = (await cookies()).get("language")?.value;
  return chooseLanguage(chosen, (await headers()).get("accept-language"));
});

/** The words of this render. */
export async function words(): Promise<Words> {
  return DICTIONARIES[await language()];
}
