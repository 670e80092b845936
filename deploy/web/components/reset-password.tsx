"use client";

import { unwrap } from "bff-client";
import type { FormEvent } from "react";

import { useAttempt } from "@/lib/attempt";
import { bff, endSession } from "@/lib/browser";
import { typed } from "@/lib/form";
import { useLinkToken } from "@/lib/link-token";

import { FormAlert, NewPassword, Username } from "./password-fields";
import { To } from "./to";
import { useWords } from "./words";

/** Sets a new password with a mailed link. */
export function ResetPassword() {
  const say = useWords();
  const token = useLinkToken();
  // Another link begins anew.
  if (token !== null) return <ResetPasswordForm key={token} token={token} />;
  return (
    <div className="narrow card stack">
      <h1>{say.account.newPassword}</h1>
      <p className="calm">{say.account.noToken}</p>
      <AskAgain />
    </div>
  );
}

/** `token` is not known before the page's scripts run. */
function ResetPasswordForm({ token }: { token: string | undefined }) {
  const say = useWords();
  const { place, busy, failure, wrong, run } = useAttempt();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    const wanted = typed(event)("new");
    if (!token) return;
    const body = { token, new: wanted };
    // All sign-ins of the account end: this browser's as well, if it has one.
    void run(() => endSession("/sign-in?reset", () => unwrap(bff().POST("/auth/password/reset", { body }))));
  };
  const spent = failure?.code === "token_invalid";
  return (
    <form ref={place} className="narrow card" onSubmit={submit} noValidate>
      <h1>{say.account.newPassword}</h1>
      {spent ? null : (
        <>
          <p>{say.account.resetHint}</p>
          {/* Whose password it is the link alone knows. */}
          <Username of="" />
          <NewPassword error={wrong("new")} />
        </>
      )}
      <FormAlert failure={failure} />
      {spent ? <AskAgain /> : <button aria-disabled={busy}>{say.account.setPassword}</button>}
    </form>
  );
}

function AskAgain() {
  const say = useWords();
  return (
    <To className="button" href="/forgot-password">
      {say.account.askAgain}
    </To>
  );
}
