"use client";

import { unwrap } from "bff-client";
import { useState, type FormEvent } from "react";

import { useAttempt } from "@/lib/attempt";
import { bff } from "@/lib/browser";

import { Alert } from "./alert";
import { Field } from "./field";
import { useWords } from "./words";

interface Props {
  email: string;
  confirmed: boolean;
  username: string;
}

/** Has a link mailed to another address, or to the present one where that is not confirmed. */
export function ChangeEmail({ email, confirmed, username }: Props) {
  const say = useWords();
  const { place, busy, failure, wrong, run } = useAttempt();
  const [sentTo, setSentTo] = useState("");
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const given = new FormData(form);
    const body = { email: String(given.get("email") ?? "").trim(), password: String(given.get("password") ?? "") };
    setSentTo("");
    void run(async () => {
      await unwrap(bff().POST("/auth/email", { body }));
      form.reset();
      setSentTo(body.email);
    });
  };
  const mistaken = failure?.code === "bad_credentials" ? say.account.wrongPassword : undefined;
  return (
    <form ref={place} className="card change-email" onSubmit={submit} noValidate>
      <p>{say.account.emailIs(email)}</p>
      {confirmed ? null : <p className="calm">{say.account.emailOpen}</p>}
      <Field label={say.email} error={wrong("email")} name="email" type="email" autoComplete="email" defaultValue={email} required maxLength={254} />
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
      <Alert>{mistaken ? undefined : failure?.message}</Alert>
      <p role="status" className={sentTo ? "calm" : "unseen"}>
        {sentTo ? say.account.emailSent(sentTo) : ""}
      </p>
      <button aria-disabled={busy}>{say.account.emailChange}</button>
    </form>
  );
}
