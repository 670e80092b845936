"use client";

import { unwrap } from "bff-client";
import { useState, type FormEvent } from "react";

import { To } from "@/components/to";
import { useAttempt } from "@/lib/attempt";
import { bff } from "@/lib/browser";
import { useLinkToken } from "@/lib/link-token";

import { Alert } from "./alert";
import { Done } from "./done";
import { Field } from "./field";
import { useWords } from "./words";

/** Sets a new password with a mailed link. It signs nobody in: a second factor is still asked for. */
export function ResetPassword() {
  const token = useLinkToken();
  return <Form key={token ?? ""} token={token} />;
}

function Form({ token }: { token: string | undefined }) {
  const say = useWords();
  const { place, busy, failure, wrong, run } = useAttempt();
  const [done, setDone] = useState(false);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const body = { token: token ?? "", new: String(new FormData(event.currentTarget).get("new") ?? "") };
    void run(async () => {
      await unwrap(bff().POST("/auth/password/reset", { body }));
      setDone(true);
    });
  };
  const again = <To href="/forgot-password">{say.account.askAgain}</To>;
  if (done) {
    // A page of its own: who was signed in here is not any more.
    return (
      <Done title={say.account.newPassword} said={say.account.passwordSet}>
        <a className="button" href="/sign-in">
          {say.signIn}
        </a>
      </Done>
    );
  }
  if (token === "") {
    return (
      <div className="narrow card">
        <h1>{say.account.newPassword}</h1>
        <Alert>{say.account.linkMissing}</Alert>
        <p>{again}</p>
      </div>
    );
  }
  const bad = failure?.code === "token_invalid" || wrong("token") !== undefined;
  return (
    <form ref={place} className="narrow card" onSubmit={submit} noValidate>
      <h1>{say.account.newPassword}</h1>
      {/* A password manager finds out by itself whose password this is: the link does not say. */}
      <input type="text" name="username" autoComplete="username" hidden readOnly value="" />
      <Field
        label={say.account.newPassword}
        hint={say.passwordHint}
        error={wrong("new")}
        name="new"
        type="password"
        autoComplete="new-password"
        required
        maxLength={256}
      />
      <Alert>{bad ? say.account.linkBad : failure?.message}</Alert>
      {bad ? <p>{again}</p> : null}
      <button aria-disabled={busy || token === undefined}>{say.account.setPassword}</button>
    </form>
  );
}
