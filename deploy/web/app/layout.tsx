import "./globals.css";

import type { Metadata, Viewport } from "next";
import type { ReactNode } from "react";

import { LiveNotices } from "@/components/live-notices";
import { SignOutButton } from "@/components/sign-out-button";
import { To } from "@/components/to";
import { WordsProvider } from "@/components/words";
import { session } from "@/lib/gateway";
import { language, words } from "@/lib/language";

export async function generateMetadata(): Promise<Metadata> {
  const say = await words();
  return { title: { default: say.app, template: `%s · ${say.app}` }, description: say.tagline };
}

export const viewport: Viewport = {
  themeColor: [
    { media: "(prefers-color-scheme: light)", color: "#fffdf9" },
    { media: "(prefers-color-scheme: dark)", color: "#26201d" },
  ],
};

export default async function Layout({ children }: { children: ReactNode }) {
  const [lang, say, me] = await Promise.all([language(), words(), session()]);
  return (
    <html lang={lang} data-member={me?.id}>
      <head>
        {/* Parts that come later are put into their places by a script; without one they are shown where they are. */}
        <noscript>
          <link rel="stylesheet" href="/without-script.css" />
        </noscript>
      </head>
      <body>
        <a className="skip" href="#content">
          {say.skip}
        </a>
        <WordsProvider language={lang}>
          <header className="bar">
            <To className="brand" href="/">
              <span className="bowl" aria-hidden="true" />
              {say.app}
            </To>
            <a className="tongue" href={`/language?to=${lang === "ko" ? "en" : "ko"}`} lang={lang === "ko" ? "en" : "ko"}>
              {say.language}
            </a>
            <nav aria-label={say.home}>
              {me ? (
                <>
                  <To className="do" href="/recipes/new">
                    {say.newRecipe}
                  </To>
                  <To className="name" href={`/members/${me.id}`}>
                    {me.name}
                  </To>
                  <To href="/settings">{say.settings}</To>
                  <SignOutButton />
                </>
              ) : (
                <>
                  <To href="/sign-in">{say.signIn}</To>
                  <To className="do" href="/sign-up">
                    {say.signUp}
                  </To>
                </>
              )}
            </nav>
          </header>
          <main id="content" tabIndex={-1}>
            {children}
          </main>
          {me ? <LiveNotices me={me.id} /> : null}
        </WordsProvider>
      </body>
    </html>
  );
}
