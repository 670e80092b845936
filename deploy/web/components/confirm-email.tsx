"use client";

import { unwrap } from "bff-client";
import { useEffect, useRef, useState } from "react";

import { useAttempt } from "@/lib/attempt";
import { bff } from "@/lib/browser";
import type { Failure } from "@/lib/failure";
import { useLinkToken } from "@/lib/link-token";

import { FormAlert } from "./password-fields";
import { To } from "./to";
import { useWords } from "./words";

/** Confirms an e-mail address with a mailed link, whoever is signed in. It takes a press: mail servers that look at links, and
 * run their scripts, would use the token up. */
export function ConfirmEmail({ signedIn }: { signedIn: boolean }) {
  const token = useLinkToken();
  // Another link begins anew.
  return <Confirmation key={token} token={token} signedIn={signedIn} />;
}

/** `token` is not known before the page's scripts run, and null where the address had none. */
function Confirmation({ token, signedIn }: { token: string | null | undefined; signedIn: boolean }) {
  const say = useWords();
  const { place, busy, failure, run } = useAttempt<HTMLDivElement>();
  const [done, setDone] = useState(false);
  const said = useRef<HTMLParagraphElement>(null);
  // The button goes: what came of it is the next best place to be.
  useEffect(() => {
    if (done) said.current?.focus();
  }, [done]);
  const confirm = () => {
    if (!token) return;
    void run(async () => {
      await unwrap(bff().POST("/auth/email/confirm", { body: { token } }));
      setDone(true);
    });
  };
  const over = !done && (token === null || failure?.code === "token_invalid" || failure?.code === "email_taken");
  return (
    <div ref={place} className="narrow card stack">
      <h1>{say.account.confirmEmail}</h1>
      {done ? (
        <p ref={said} tabIndex={-1} role="status" className="calm" data-testid="confirmed">
          {say.account.emailConfirmed}
        </p>
      ) : null}
      {token === null ? <p className="calm">{say.account.noToken}</p> : null}
      {done || over ? null : <p>{say.account.confirmHint}</p>}
      <FormAlert failure={withoutFields(failure)} />
      {over ? <p>{say.account.confirmAgain}</p> : null}
      {done || over ? (
        <To className="button" href="/settings">
          {signedIn ? say.account.toSettings : say.signIn}
        </To>
      ) : (
        <button type="button" aria-disabled={busy} onClick={confirm}>
          {say.confirm}
        </button>
      )}
    </div>
  );
}

/** There is no field for a mistake to stand beside. */
function withoutFields(failure: Failure | undefined): Failure | undefined {
  return failure && { ...failure, message: failure.message ?? Object.values(failure.fields)[0] };
}
