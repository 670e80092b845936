import { unwrap } from "bff-client";
import type { Metadata } from "next";
import { redirect } from "next/navigation";

import { AvatarField } from "@/components/avatar-field";
import { ChangeEmail } from "@/components/change-email";
import { ChangePassword } from "@/components/change-password";
import { EndSession } from "@/components/end-session";
import { Missing } from "@/components/part";
import { SignOutButton } from "@/components/sign-out-button";
import { TakeData } from "@/components/take-data";
import { Time } from "@/components/time";
import { To } from "@/components/to";
import { TwoFactor } from "@/components/two-factor";
import { gateway, session } from "@/lib/gateway";
import { voice, words } from "@/lib/language";
import { signInPath } from "@/lib/return-to";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await words()).settings };
}

export default async function Settings() {
  const [me, heard] = await Promise.all([session(), voice()]);
  const { say } = heard;
  if (!me) redirect(signInPath("/settings"));
  const list = await unwrap((await gateway()).GET("/auth/sessions")).catch(() => undefined);
  return (
    <div className="middle">
      <h1>{say.settings}</h1>
      <AvatarField member={{ id: me.id, username: me.username, displayName: me.name, avatarUrl: me.avatarUrl }} />
      <section aria-labelledby="sessions">
        <h2 id="sessions" tabIndex={-1}>
          {say.whereSignedIn}
        </h2>
        <p className="faint">{say.whereSignedInHint}</p>
        {list ? (
          <ul className="sessions" data-testid="sessions">
            {list.items.map((one) => (
              <li key={one.id} className="card" data-testid={one.current ? "this-session" : "other-session"}>
                <div>
                  <strong>{one.client}</strong> {one.current ? <span className="badge">{say.thisDevice}</span> : null}
                  <p className="faint">
                    {one.address} · {say.lastSeen} <Time of={one.lastSeenAt} voice={heard} />
                  </p>
                </div>
                {one.current ? null : <EndSession id={one.id} name={one.client} />}
              </li>
            ))}
          </ul>
        ) : (
          <Missing voice={heard} />
        )}
        <SignOutButton everywhere />
      </section>
      <section aria-labelledby="two-factor">
        <h2 id="two-factor">{say.twoFactor}</h2>
        <TwoFactor on={me.totpEnabled} username={me.username} />
      </section>
      <section aria-labelledby="change-password">
        <h2 id="change-password">{say.account.changePassword}</h2>
        <ChangePassword username={me.username} />
      </section>
      <section aria-labelledby="change-email">
        <h2 id="change-email">{say.account.changeEmail}</h2>
        <ChangeEmail key={me.email} username={me.username} email={me.email} confirmed={me.emailConfirmed} />
      </section>
      <section aria-labelledby="your-data">
        <h2 id="your-data">{say.account.yourData}</h2>
        <p className="faint">{say.account.yourDataHint}</p>
        <TakeData />
      </section>
      <section aria-labelledby="leaving">
        <h2 id="leaving">{say.account.leaving}</h2>
        <p className="faint">{say.account.leavingHint}</p>
        <To className="button quiet" href="/settings/delete">
          {say.account.leavingTitle}
        </To>
      </section>
    </div>
  );
}
