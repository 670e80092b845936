"use client";

import { unwrap } from "bff-client";
import { useState, type FormEvent } from "react";

import { To } from "@/components/to";
import { useAttempt } from "@/lib/attempt";
import { bff } from "@/lib/browser";

import { Alert } from "./alert";
import { Field } from "./field";
import { Done } from "./done";
import { useWords } from "./words";

/** Asks for a link that sets a new password. What it says does not tell whether there is such an account. */
export function ForgotPassword() {
  const say = useWords();
  const { place, busy, failure, wrong, run } = useAttempt();
  const [sent, setSent] = useState(false);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const email = String(new FormData(event.currentTarget).get("email") ?? "").trim();
    void run(async () => {
      await unwrap(bff().POST("/auth/password/forgot", { body: { email } }));
      setSent(true);
    });
  };
  const back = <To href="/sign-in">{say.account.backToSignIn}</To>;
  if (sent) return <Done title={say.account.forgot} said={say.account.linkSent}>{back}</Done>;
  return (
    <form ref={place} className="narrow card" onSubmit={submit} noValidate>
      <h1>{say.account.forgot}</h1>
      <p className="faint">{say.account.forgotHint}</p>
      <Field label={say.email} error={wrong("email")} name="email" type="email" autoComplete="email" required maxLength={254} />
      <Alert>{failure?.message}</Alert>
      <button aria-disabled={busy}>{say.account.sendLink}</button>
      <p>{back}</p>
    </form>
  );
}
