"use client";

import { unwrap } from "bff-client";
import { useState, type FormEvent, type ReactNode } from "react";

import { To } from "@/components/to";
import { useAttempt } from "@/lib/attempt";
import { bff, leave } from "@/lib/browser";

import { Alert } from "./alert";
import { Field } from "./field";
import { useWords } from "./words";

const text = (form: FormData, name: string) => String(form.get(name) ?? "");

interface Props {
  /** Where to go afterwards: a path of this app. */
  returnTo: string;
  /** Why the form is there, where the browser did not ask for it. */
  because?: "ended" | "needed" | "reset" | undefined;
  /** Other ways in. */
  children?: ReactNode;
}

export function SignInForm({ returnTo, because, children }: Props) {
  const say = useWords();
  const attempt = useAttempt();
  const [asksForCode, setAsksForCode] = useState(false);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const otp = text(form, "otp").trim();
    const body = { login: text(form, "login").trim(), password: text(form, "password"), ...(otp ? { otp } : {}) };
    void attempt.run(async () => {
      const { error, response } = await bff().POST("/auth/login", { body });
      // No mistake, but the next step.
      if (error?.code === "otp_required") return setAsksForCode(true);
      await unwrap(Promise.resolve({ error, response }));
      leave(returnTo);
    });
  };
  const reasons = { ended: say.signedOutNotice, needed: say.signInNotice, reset: say.account.passwordReset };
  const wrongCode = attempt.failure?.code === "otp_invalid";
  return (
    <form ref={attempt.place} className="narrow card" onSubmit={submit}>
      <h1>{say.signIn}</h1>
      {because ? <p className="calm">{reasons[because]}</p> : null}
      <Field label={say.login} name="login" autoComplete="username" autoCapitalize="none" required maxLength={254} />
      <Field label={say.password} name="password" type="password" autoComplete="current-password" required />
      {asksForCode ? (
        <>
          <p className="calm" role="status">
            {say.otpNeeded}
          </p>
          <Field
            label={say.otp}
            hint={say.otpHint}
            error={wrongCode ? say.problems.otp_invalid : undefined}
            name="otp"
            autoComplete="one-time-code"
            autoCapitalize="none"
            autoFocus
            required
            maxLength={64}
          />
        </>
      ) : null}
      <Alert>{attempt.failure?.message}</Alert>
      <button aria-disabled={attempt.busy}>{say.signIn}</button>
      {children}
      <p className="faint">
        <To href="/forgot-password">{say.account.forgot}</To>
      </p>
      <p className="faint">
        {say.noAccount} <To href={withReturn("/sign-up", returnTo)}>{say.signUp}</To>
      </p>
    </form>
  );
}

export function SignUpForm({ returnTo, children }: Props) {
  const say = useWords();
  const { place, busy, failure, wrong, run } = useAttempt();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const [username, password] = [text(form, "username").trim(), text(form, "password")];
    void run(async () => {
      await unwrap(bff().POST("/auth/signup", { body: { email: text(form, "email").trim(), username, password } }));
      await unwrap(bff().POST("/auth/login", { body: { login: username, password } }));
      leave(returnTo);
    });
  };
  return (
    <form ref={place} className="narrow card" onSubmit={submit} noValidate>
      <h1>{say.signUp}</h1>
      <Field label={say.email} error={wrong("email")} name="email" type="email" autoComplete="email" required />
      <Field
        label={say.username}
        hint={say.usernameHint}
        error={wrong("username")}
        name="username"
        autoComplete="username"
        autoCapitalize="none"
        required
      />
      <Field
        label={say.password}
        hint={say.passwordHint}
        error={wrong("password")}
        name="password"
        type="password"
        autoComplete="new-password"
        required
      />
      <Alert>{failure?.message}</Alert>
      <button aria-disabled={busy}>{say.signUp}</button>
      {children}
      <p className="faint">
        {say.haveAccount} <To href={withReturn("/sign-in", returnTo)}>{say.signIn}</To>
      </p>
    </form>
  );
}

function withReturn(path: string, returnTo: string): string {
  return returnTo === "/" ? path : `${path}?returnTo=${encodeURIComponent(returnTo)}`;
}
