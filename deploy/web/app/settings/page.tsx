import { unwrap } from "bff-client";
import type { Metadata } from "next";
import { redirect } from "next/navigation";

import { Missing } from "@/components/part";
import { EndSession } from "@/components/end-session";
import { SignOutButton } from "@/components/sign-out-button";
import { TwoFactor } from "@/components/two-factor";
import { gateway, session } from "@/lib/gateway";
import { language, words } from "@/lib/language";
import { when } from "@/lib/money";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await words()).settings };
}

export default async function Settings() {
  const [me, say, lang] = await Promise.all([session(), words(), language()]);
  if (!me) redirect("/sign-in");
  const list = await unwrap((await gateway()).GET("/auth/sessions")).catch(() => undefined);
  return (
    <>
      <h1>{say.settings}</h1>
      <section aria-labelledby="sessions">
        <h2 id="sessions">{say.whereSignedIn}</h2>
        {list ? (
          <ul className="sessions" data-testid="sessions">
            {list.items.map((one) => (
              <li key={one.id} className="card">
                <strong>{one.client}</strong> {one.current ? <em>({say.thisDevice})</em> : null}
                <p className="faint">
                  {one.address} · {say.lastSeen} {when(one.lastSeenAt, lang)}
                </p>
                {one.current ? null : <EndSession id={one.id} />}
              </li>
            ))}
          </ul>
        ) : (
          <Missing />
        )}
        <SignOutButton everywhere />
      </section>
      <section aria-labelledby="two-factor">
        <h2 id="two-factor">{say.twoFactor}</h2>
        <TwoFactor on={me.totpEnabled} />
      </section>
    </>
  );
}
