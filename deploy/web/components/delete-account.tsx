"use client";

import { unwrap } from "bff-client";
import { useState, type FormEvent } from "react";

import { useAttempt } from "@/lib/attempt";
import { bff, endSession } from "@/lib/browser";
import { typed } from "@/lib/form";

import { Field } from "./field";
import { CurrentPassword, FormAlert } from "./password-fields";
import { To } from "./to";
import { useWords } from "./words";

/** Deletes the account of whoever proves that it is theirs. */
export function DeleteAccount({ username, asksForCode }: { username: string; asksForCode: boolean }) {
  const say = useWords();
  const attempt = useAttempt();
  // It may have been switched on elsewhere after this page was made.
  const [withCode, setWithCode] = useState(asksForCode);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    const text = typed(event);
    const otp = text("otp").replace(/\s/g, "");
    const body = { password: text("password"), ...(otp ? { otp } : {}) };
    void attempt.run(() =>
      endSession("/?left", async () => {
        const { error, response } = await bff().DELETE("/api/me", { body });
        if (error?.code === "otp_required") setWithCode(true);
        await unwrap(Promise.resolve({ error, response }));
      }),
    );
  };
  const { failure } = attempt;
  const codes: Readonly<Record<string, string>> = { otp_required: say.otpNeeded, otp_invalid: say.problems.otp_invalid };
  return (
    <form ref={attempt.place} className="card" onSubmit={submit} noValidate>
      <CurrentPassword username={username} attempt={attempt} />
      {withCode ? (
        <Field
          label={say.otp}
          hint={say.otpHint}
          error={(failure && codes[failure.code]) ?? attempt.wrong("otp")}
          name="otp"
          autoComplete="one-time-code"
          autoCapitalize="none"
          maxLength={64}
        />
      ) : null}
      <FormAlert failure={failure} />
      <p className="buttons">
        <button aria-disabled={attempt.busy}>{say.account.leave}</button>
        <To className="button quiet" href="/settings">
          {say.account.stayHere}
        </To>
      </p>
    </form>
  );
}
