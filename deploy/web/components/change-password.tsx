"use client";

import { unwrap } from "bff-client";
import { useRouter } from "next/navigation";
import { useState, type FormEvent } from "react";

import { useAttempt } from "@/lib/attempt";
import { bff, changingSession } from "@/lib/browser";
import { typed } from "@/lib/form";

import { CurrentPassword, FormAlert, NewPassword } from "./password-fields";
import { useWords } from "./words";

export function ChangePassword({ username }: { username: string }) {
  const say = useWords();
  const router = useRouter();
  const attempt = useAttempt();
  const [said, setSaid] = useState("");
  const submit = (event: FormEvent<HTMLFormElement>) => {
    const [form, text] = [event.currentTarget, typed(event)];
    const body = { current: text("current"), new: text("new") };
    setSaid("");
    void attempt.run(async () => {
      await changingSession(() => unwrap(bff().POST("/auth/password", { body })));
      form.reset();
      setSaid(say.account.passwordChanged);
      // The list of where one is signed in has become shorter.
      router.refresh();
    });
  };
  return (
    <form ref={attempt.place} className="card" onSubmit={submit} noValidate data-testid="change-password">
      <p>{say.account.changePasswordHint}</p>
      <CurrentPassword name="current" username={username} attempt={attempt} />
      <NewPassword error={attempt.wrong("new")} />
      <FormAlert failure={attempt.failure} />
      <div role="status">{said ? <p className="calm">{said}</p> : null}</div>
      <button aria-disabled={attempt.busy}>{say.account.changePassword}</button>
    </form>
  );
}
