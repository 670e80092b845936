"use client";

import { unwrap } from "bff-client";
import { useRouter } from "next/navigation";
import { useEffect, useRef, useState, type FormEvent } from "react";

import { useAttempt } from "@/lib/attempt";
import { bff, changingSession } from "@/lib/browser";

import { Alert } from "./alert";
import { Field } from "./field";
import { CurrentPassword, FormAlert } from "./password-fields";
import { useWords } from "./words";

type State =
  | { step: "idle"; on: boolean }
  | { step: "enrolling"; qr: string; secret: string; uri: string }
  | { step: "codes"; codes: readonly string[] };

/** Turns the second factor on and off. The QR code is an image, so that nothing in it can run. */
export function TwoFactor({ on, username }: { on: boolean; username: string }) {
  const say = useWords();
  const router = useRouter();
  const [state, setState] = useState<State>({ step: "idle", on });
  const [said, setSaid] = useState("");
  const { place, busy, failure, wrong, run } = useAttempt<HTMLDivElement>();

  const stepped = useRef(false);
  useEffect(() => {
    if (stepped.current) place.current?.querySelector<HTMLElement>("[data-first]")?.focus();
    stepped.current = true;
  }, [state, place]);

  const code = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    return String(new FormData(event.currentTarget).get("code") ?? "").replace(/\s/g, "");
  };
  const enrol = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    // Who signs in through a provider has no password, and leaves the field empty.
    const password = String(given.get("password") ?? "") || undefined;
    void run(async () => {
      const body = { password, endOthers: given.has("endOthers") };
      const { qrSvg, secret, otpauthUri } = await unwrap(bff().POST("/auth/2fa/totp", { body }));
      if (body.endOthers) router.refresh();
      setState({ step: "enrolling", qr: `data:image/svg+xml,${encodeURIComponent(qrSvg)}`, secret, uri: otpauthUri });
    });
  };
  const confirm = (given: string) =>
    void run(async () => {
      const { recoveryCodes } = await changingSession(() =>
        unwrap(bff().POST("/auth/2fa/totp/confirm", { body: { code: given } })),
      );
      setState({ step: "codes", codes: recoveryCodes });
    });
  const remove = (given: string) =>
    void run(async () => {
      await changingSession(() => unwrap(bff().DELETE("/auth/2fa/totp", { body: { code: given } })));
      setState({ step: "idle", on: false });
      setSaid(say.twoFactorEnded);
      router.refresh();
    });
  const kept = () => {
    setState({ step: "idle", on: true });
    setSaid(say.twoFactorOn);
    router.refresh();
  };
  return (
    <div ref={place} className="card two-factor">
      {state.step === "codes" ? <Codes codes={state.codes} onKept={kept} /> : null}
      {state.step === "enrolling" ? (
        <form onSubmit={(event) => confirm(code(event))}>
          <p>{say.scan}</p>
          {/* eslint-disable-next-line @next/next/no-img-element -- made on the spot, nothing to optimise */}
          <img className="qr" src={state.qr} alt={say.twoFactor} width={200} height={200} data-testid="qr" data-uri={state.uri} />
          <p className="faint">
            {say.typeInstead} <code data-testid="totp-secret">{state.secret}</code>
          </p>
          <Field
            data-first
            label={say.otp}
            hint={say.codeHint}
            error={wrong("code")}
            name="code"
            autoComplete="one-time-code"
            inputMode="numeric"
            required
            maxLength={64}
          />
          <Alert>{failure?.message}</Alert>
          <p className="buttons">
            <button aria-disabled={busy}>{say.confirm}</button>
            <button type="button" className="quiet" onClick={() => setState({ step: "idle", on })}>
              {say.cancel}
            </button>
          </p>
        </form>
      ) : null}
      {state.step === "idle" && state.on ? (
        <form onSubmit={(event) => remove(code(event))}>
          <p>
            <strong>{say.twoFactorOn}</strong>
          </p>
          <Field
            label={say.otp}
            hint={say.otpHint}
            error={wrong("code")}
            name="code"
            autoComplete="one-time-code"
            required
            maxLength={64}
          />
          <Alert>{failure?.message}</Alert>
          <button className="quiet" aria-disabled={busy}>
            {say.turnOff}
          </button>
        </form>
      ) : null}
      {state.step === "idle" && !state.on ? (
        <form onSubmit={enrol}>
          <p>{say.twoFactorOff}</p>
          <CurrentPassword username={username} attempt={{ failure, wrong }} />
          <div className="field">
            <label className="check">
              <input type="checkbox" name="endOthers" aria-describedby="end-others-hint" />
              {say.account.endOthers}
            </label>
            <small id="end-others-hint">{say.account.endOthersHint}</small>
          </div>
          <FormAlert failure={failure} />
          <button aria-disabled={busy}>{say.turnOn}</button>
        </form>
      ) : null}
      <span role="status" className="unseen">
        {said}
      </span>
    </div>
  );
}

function Codes({ codes, onKept }: { codes: readonly string[]; onKept: () => void }) {
  const say = useWords();
  return (
    <>
      <h3 tabIndex={-1} data-first>
        {say.recoveryTitle}
      </h3>
      <p>{say.recoveryCodes}</p>
      <ul className="codes" data-testid="recovery-codes">
        {codes.map((one) => (
          <li key={one}>
            <code>{one}</code>
          </li>
        ))}
      </ul>
      <button type="button" onClick={onKept}>
        {say.recoveryKept}
      </button>
    </>
  );
}
