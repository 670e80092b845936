"use client";

import { BffError, unwrap } from "bff-client";
import { To } from "@/components/to";
import { useState, type FormEvent } from "react";

import { bff } from "@/lib/browser";

import { Field } from "./field";
import { useWords } from "./words";

const text = (form: FormData, name: string) => String(form.get(name) ?? "");

export function SignInForm({ ended }: { ended: boolean }) {
  const say = useWords();
  const [failure, setFailure] = useState<BffError>();
  const [busy, setBusy] = useState(false);
  const needsCode = failure?.code === "otp_required" || failure?.code === "otp_invalid";
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const otp = text(form, "otp");
    setBusy(true);
    try {
      const body = { login: text(form, "login"), password: text(form, "password"), ...(otp ? { otp } : {}) };
      await unwrap(bff().POST("/auth/login", { body }));
      window.location.assign("/");
    } catch (error) {
      setFailure(error instanceof BffError ? error : undefined);
      setBusy(false);
    }
  };
  return (
    <form className="narrow card" onSubmit={(event) => void submit(event)}>
      <h1>{say.signIn}</h1>
      {ended ? <p className="calm">{say.signedOutNotice}</p> : null}
      <Field label={say.login} name="login" autoComplete="username" required maxLength={254} />
      <Field label={say.password} name="password" type="password" autoComplete="current-password" required />
      {needsCode ? (
        <Field label={say.otp} hint={say.otpHint} name="otp" autoComplete="one-time-code" inputMode="text" required />
      ) : null}
      {failure && failure.code !== "otp_required" ? (
        <p role="alert" className="wrong">
          {failure.message}
        </p>
      ) : null}
      <button disabled={busy}>{say.signIn}</button>
      <p>
        {say.noAccount} <To href="/sign-up">{say.signUp}</To>
      </p>
    </form>
  );
}

export function SignUpForm() {
  const say = useWords();
  const [failure, setFailure] = useState<BffError>();
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const [username, password] = [text(form, "username"), text(form, "password")];
    setBusy(true);
    try {
      await unwrap(bff().POST("/auth/signup", { body: { email: text(form, "email"), username, password } }));
      await unwrap(bff().POST("/auth/login", { body: { login: username, password } }));
      window.location.assign("/");
    } catch (error) {
      setFailure(error instanceof BffError ? error : undefined);
      setBusy(false);
    }
  };
  const wrong = (field: string) => failure?.field(field)?.message;
  return (
    <form className="narrow card" onSubmit={(event) => void submit(event)}>
      <h1>{say.signUp}</h1>
      <Field label={say.email} error={wrong("email")} name="email" type="email" autoComplete="email" required />
      <Field
        label={say.username}
        error={wrong("username")}
        name="username"
        autoComplete="username"
        required
        minLength={3}
        maxLength={30}
      />
      <Field
        label={say.password}
        error={wrong("password")}
        name="password"
        type="password"
        autoComplete="new-password"
        required
        minLength={8}
      />
      {failure && failure.errors.length === 0 ? (
        <p role="alert" className="wrong">
          {failure.message}
        </p>
      ) : null}
      <button disabled={busy}>{say.signUp}</button>
      <p>
        {say.haveAccount} <To href="/sign-in">{say.signIn}</To>
      </p>
    </form>
  );
}
