"use client";

import { unwrap } from "bff-client";
import { useState, type FormEvent } from "react";

import { useAttempt } from "@/lib/attempt";
import { bff, changingSession, leave } from "@/lib/browser";

import { Alert } from "./alert";
import { Field } from "./field";
import { To } from "./to";
import { useWords } from "./words";

/** The last form of an account: proof of who it is, and a tick that they mean it. */
export function DeleteAccount({ username, asksForCode }: { username: string; asksForCode: boolean }) {
  const say = useWords();
  const { place, busy, failure, wrong, run } = useAttempt();
  const [unsure, setUnsure] = useState(false);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    if (given.get("sure") === null) return setUnsure(true);
    setUnsure(false);
    const otp = String(given.get("otp") ?? "").trim();
    const body = { password: String(given.get("password") ?? ""), ...(otp ? { otp } : {}) };
    void run(() =>
      // The session ends with it: no part of this page is to take that for being signed out elsewhere.
      changingSession(async () => {
        await unwrap(bff().DELETE("/api/me", { body }));
        leave("/?left=1");
      }),
    );
  };
  const mistaken = failure?.code === "bad_credentials" ? say.account.wrongPassword : undefined;
  const wrongCode = failure?.code === "otp_invalid" || failure?.code === "otp_required" ? say.problems.otp_invalid : undefined;
  return (
    <form ref={place} className="middle card delete-account" onSubmit={submit} noValidate>
      <h1>{say.account.leave}</h1>
      <p>{say.account.leaveList}</p>
      <ul>
        {say.account.leaveItems.map((item) => (
          <li key={item}>{item}</li>
        ))}
      </ul>
      <p className="faint">{say.account.leaveFirst}</p>
      <input type="text" name="username" autoComplete="username" value={username} readOnly hidden />
      <Field
        label={say.account.password}
        error={mistaken ?? wrong("password")}
        name="password"
        type="password"
        autoComplete="current-password"
        required
        maxLength={256}
      />
      {asksForCode ? (
        <Field label={say.otp} hint={say.otpHint} error={wrongCode ?? wrong("otp")} name="otp" autoComplete="one-time-code" required maxLength={64} />
      ) : null}
      <div className="field">
        <label className="check">
          <input type="checkbox" name="sure" aria-invalid={unsure || undefined} aria-describedby={unsure ? "sure-error" : undefined} />{" "}
          {say.account.leaveSure}
        </label>
        {unsure ? (
          <small id="sure-error" className="wrong" role="alert" data-testid="field-error">
            {say.account.leaveTick}
          </small>
        ) : null}
      </div>
      <Alert>{mistaken || wrongCode ? undefined : failure?.message}</Alert>
      <p className="buttons">
        <button aria-disabled={busy}>{say.account.leaveDo}</button>
        <To className="button quiet" href="/settings">
          {say.cancel}
        </To>
      </p>
    </form>
  );
}
