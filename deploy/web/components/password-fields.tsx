"use client";

// Fields for passwords, and what goes wrong with them, in forms of people who are known already.

import { useState } from "react";

import type { Attempt } from "@/lib/attempt";
import type { Failure } from "@/lib/failure";

import { Alert } from "./alert";
import { Field } from "./field";
import { To } from "./to";
import { useWords } from "./words";

interface Current {
  /** Whose password it is. */
  username: string;
  attempt: Pick<Attempt<HTMLElement>, "failure" | "wrong">;
  /** As the gateway calls it. */
  name?: string;
}

/** The password that the account has. */
export function CurrentPassword({ username, attempt: { failure, wrong }, name = "password" }: Current) {
  const say = useWords();
  const refused = failure?.code === "bad_credentials" ? say.account.wrongPassword : undefined;
  return (
    <>
      <Username of={username} />
      <Field
        data-first
        label={say.account.currentPassword}
        error={refused ?? wrong(name)}
        name={name}
        type="password"
        autoComplete="current-password"
        maxLength={256}
      />
      {refused ? (
        <p className="faint">
          {say.account.noPassword} <To href="/forgot-password">{say.account.noPasswordLink}</To>
        </p>
      ) : null}
    </>
  );
}

/** Tells a password manager whose password is asked for. */
export function Username({ of }: { of: string }) {
  return <input type="text" name="username" autoComplete="username" value={of} readOnly hidden />;
}

/** A password to be. It can be shown, so that it need not be typed twice. */
export function NewPassword({ error }: { error: string | undefined }) {
  const say = useWords();
  const [shown, setShown] = useState(false);
  return (
    <>
      <Field
        label={say.account.newPassword}
        hint={say.passwordHint}
        error={error}
        name="new"
        type={shown ? "text" : "password"}
        autoComplete="new-password"
        autoCapitalize="none"
        spellCheck={false}
        maxLength={256}
      />
      <label className="check">
        <input type="checkbox" checked={shown} onChange={(event) => setShown(event.target.checked)} />
        {say.account.showPassword}
      </label>
    </>
  );
}

/** What is said of the form as a whole. What a field says is not said again. */
export function FormAlert({ failure }: { failure: Failure | undefined }) {
  const say = useWords();
  const beside = failure?.code === "bad_credentials" || failure?.code === "otp_required";
  if (beside) return null;
  // The gateway in front of another accounts service may have no such call.
  return <Alert>{failure?.code === "not_found" ? say.account.notOffered : failure?.message}</Alert>;
}
