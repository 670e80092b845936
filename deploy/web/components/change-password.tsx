"use client";

import { unwrap } from "bff-client";
import { useRouter } from "next/navigation";
import { useState, type FormEvent } from "react";

import { useAttempt } from "@/lib/attempt";
import { bff, changingSession } from "@/lib/browser";

import { Alert } from "./alert";
import { Field } from "./field";
import { useWords } from "./words";

/** Changes the password. The session that does it lives on, under a new id; all others end. */
export function ChangePassword({ username }: { username: string }) {
  const say = useWords();
  const router = useRouter();
  const { place, busy, failure, wrong, run } = useAttempt();
  const [said, setSaid] = useState("");
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const given = new FormData(form);
    const body = { current: String(given.get("current") ?? ""), new: String(given.get("new") ?? "") };
    setSaid("");
    void run(async () => {
      await changingSession(() => unwrap(bff().POST("/auth/password", { body })));
      form.reset();
      setSaid(say.account.passwordChanged);
      router.refresh();
    });
  };
  const mistaken = failure?.code === "bad_credentials" ? say.account.wrongPassword : undefined;
  return (
    <form ref={place} className="card change-password" onSubmit={submit} noValidate>
      <p className="faint">{say.account.changeHint}</p>
      {/* Tells a password manager whose password it is. */}
      <input type="text" name="username" autoComplete="username" value={username} readOnly hidden />
      <Field
        label={say.account.currentPassword}
        error={mistaken ?? wrong("current")}
        name="current"
        type="password"
        autoComplete="current-password"
        required
        maxLength={256}
      />
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
      <Alert>{mistaken ? undefined : failure?.message}</Alert>
      <p role="status" className={said ? "calm" : "unseen"}>
        {said}
      </p>
      <button aria-disabled={busy}>{say.account.changePassword}</button>
    </form>
  );
}
