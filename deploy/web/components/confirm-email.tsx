"use client";

import { unwrap } from "bff-client";
import { useState, type FormEvent } from "react";

import { useAttempt } from "@/lib/attempt";
import { bff } from "@/lib/browser";
import { useLinkToken } from "@/lib/link-token";

import { Alert } from "./alert";
import { Done } from "./done";
import { To } from "./to";
import { useWords } from "./words";

/** Confirms an address with a mailed link. By a press: programs that look at mail open links as well. */
export function ConfirmEmail() {
  const token = useLinkToken();
  return <Form key={token ?? ""} token={token} />;
}

function Form({ token }: { token: string | undefined }) {
  const say = useWords();
  const { place, busy, failure, run } = useAttempt();
  const [done, setDone] = useState(false);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    void run(async () => {
      await unwrap(bff().POST("/auth/email/confirm", { body: { token: token ?? "" } }));
      setDone(true);
    });
  };
  if (done) {
    // Loaded anew: every page shows the address from now on.
    return (
      <Done title={say.account.confirmEmail} said={say.account.emailConfirmed}>
        <a className="button" href="/">
          {say.account.goOn}
        </a>
      </Done>
    );
  }
  const missing = token === "" ? say.account.linkMissing : undefined;
  // The token is the only field.
  const bad = failure && (failure.code === "token_invalid" || failure.code === "validation_failed");
  return (
    <form ref={place} className="narrow card" onSubmit={submit}>
      <h1>{say.account.confirmEmail}</h1>
      {missing ? null : <p className="faint">{say.account.confirmHint}</p>}
      <Alert>{missing ?? (bad ? say.account.linkBad : (failure?.message ?? failure?.fields.email))}</Alert>
      {missing || bad ? (
        <p>
          <To href="/settings">{say.settings}</To>
        </p>
      ) : (
        <button aria-disabled={busy || token === undefined}>{say.account.confirmDo}</button>
      )}
    </form>
  );
}
