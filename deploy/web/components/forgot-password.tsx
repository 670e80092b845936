"use client";

import { unwrap } from "bff-client";
import { useState, type FormEvent } from "react";

import { useAttempt } from "@/lib/attempt";
import { bff } from "@/lib/browser";
import { typed } from "@/lib/form";

import { Field } from "./field";
import { FormAlert } from "./password-fields";
import { To } from "./to";
import { useWords } from "./words";

/** Asks for a link that sets a new password. Whether anybody has the address is not told. */
export function ForgotPasswordForm() {
  const say = useWords();
  const { place, busy, failure, wrong, run } = useAttempt();
  const [sentTo, setSentTo] = useState<string>();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    const email = typed(event)("email").trim();
    setSentTo(undefined);
    void run(async () => {
      await unwrap(bff().POST("/auth/password/forgot", { body: { email } }));
      setSentTo(email);
    });
  };
  return (
    <form ref={place} className="narrow card" onSubmit={submit} noValidate>
      <h1>{say.account.forgot}</h1>
      <p>{say.account.forgotHint}</p>
      <Field label={say.email} error={wrong("email")} name="email" type="email" autoComplete="email" autoCapitalize="none" maxLength={254} />
      <FormAlert failure={failure} />
      <div role="status" data-testid="sent">
        {sentTo ? (
          <div className="calm">
            <p>{say.account.linkSent(sentTo)}</p>
            <p className="faint">{say.account.linkLife}</p>
          </div>
        ) : null}
      </div>
      <button aria-disabled={busy}>{sentTo ? say.account.sendAgain : say.account.sendLink}</button>
      <p className="faint">
        <To href="/sign-in">{say.signIn}</To>
      </p>
    </form>
  );
}
