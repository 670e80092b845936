"use client";

import { unwrap } from "bff-client";
import { useState, type FormEvent } from "react";

import { useAttempt } from "@/lib/attempt";
import { bff } from "@/lib/browser";
import { typed } from "@/lib/form";

import { Field } from "./field";
import { CurrentPassword, FormAlert } from "./password-fields";
import { useWords } from "./words";

interface Props {
  username: string;
  /** Empty where a provider that they sign in through told none. */
  email: string;
  /** Unknown where the service that keeps accounts does not say. */
  confirmed: boolean | undefined;
}

/** Asks for a link that confirms another address, or once more for one that confirms the present one. */
export function ChangeEmail({ username, email, confirmed }: Props) {
  const say = useWords();
  const attempt = useAttempt();
  const [wanted, setWanted] = useState(confirmed === false ? email : "");
  const [sentTo, setSentTo] = useState<string>();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    const [form, text] = [event.currentTarget, typed(event)];
    const body = { email: text("email").trim(), password: text("password") };
    setSentTo(undefined);
    void attempt.run(async () => {
      await unwrap(bff().POST("/auth/email", { body }));
      // The address stays, so that the link can be sent again.
      form.querySelector<HTMLInputElement>("[type=password]")!.value = "";
      setSentTo(body.email);
    });
  };
  const again = wanted.trim() !== "" && [email, sentTo].includes(wanted.trim());
  return (
    <form ref={attempt.place} className="card" onSubmit={submit} noValidate data-testid="change-email">
      {email ? (
        <p data-testid="email">
          <strong>{email}</strong>{" "}
          {confirmed === undefined ? null : (
            <span className="badge">{confirmed ? say.account.confirmed : say.account.unconfirmed}</span>
          )}
        </p>
      ) : null}
      {email && confirmed === false ? <p className="faint">{say.account.unconfirmedHint}</p> : null}
      <Field
        label={again && !sentTo ? say.email : say.account.newEmail}
        hint={again ? undefined : say.account.newEmailHint}
        error={attempt.wrong("email")}
        name="email"
        type="email"
        autoComplete="email"
        autoCapitalize="none"
        maxLength={254}
        value={wanted}
        onChange={(event) => setWanted(event.target.value)}
      />
      <CurrentPassword username={username} attempt={attempt} />
      <FormAlert failure={attempt.failure} />
      <div role="status">
        {sentTo ? (
          <div className="calm">
            <p>{say.account.mailSent(sentTo)}</p>
            <p className="faint">{say.account.linkLife}</p>
          </div>
        ) : null}
      </div>
      <button aria-disabled={attempt.busy}>{again ? say.account.sendAgain : say.account.sendLink}</button>
    </form>
  );
}
