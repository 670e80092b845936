"use client";

import { BffError, unwrap } from "bff-client";
import { useRouter } from "next/navigation";
import { useState, type FormEvent } from "react";

import { bff } from "@/lib/browser";

import { Field } from "./field";
import { useWords } from "./words";

type State = { step: "idle" } | { step: "enrolling"; qr: string; secret: string } | { step: "done"; codes: readonly string[] };

/** Turns the second factor on and off. The QR code is an image, so that nothing in it can run. */
export function TwoFactor({ on }: { on: boolean }) {
  const say = useWords();
  const router = useRouter();
  const [state, setState] = useState<State>({ step: "idle" });
  const [failure, setFailure] = useState<string>();
  const attempt = async (work: () => Promise<void>) => {
    setFailure(undefined);
    await work().catch((error: unknown) => setFailure(error instanceof BffError ? error.message : say.failed));
  };
  const code = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    return String(new FormData(event.currentTarget).get("code") ?? "").trim();
  };
  const enrol = () =>
    attempt(async () => {
      const { qrSvg, secret } = await unwrap(bff().POST("/auth/2fa/totp"));
      setState({ step: "enrolling", qr: `data:image/svg+xml,${encodeURIComponent(qrSvg)}`, secret });
    });
  const confirm = (given: string) =>
    attempt(async () => {
      const { recoveryCodes } = await unwrap(bff().POST("/auth/2fa/totp/confirm", { body: { code: given } }));
      setState({ step: "done", codes: recoveryCodes });
    });
  const remove = (given: string) =>
    attempt(async () => {
      await unwrap(bff().DELETE("/auth/2fa/totp", { body: { code: given } }));
      setState({ step: "idle" });
      router.refresh();
    });
  const alert = failure ? (
    <p role="alert" className="wrong">
      {failure}
    </p>
  ) : null;
  if (state.step === "done") {
    return (
      <div className="card">
        <p>{say.recoveryCodes}</p>
        <ul data-testid="recovery-codes">
          {state.codes.map((one) => (
            <li key={one}>
              <code>{one}</code>
            </li>
          ))}
        </ul>
      </div>
    );
  }
  if (state.step === "enrolling") {
    return (
      <form className="card" onSubmit={(event) => void confirm(code(event))}>
        <p>{say.scan}</p>
        {/* eslint-disable-next-line @next/next/no-img-element -- made on the spot, nothing to optimise */}
        <img src={state.qr} alt={say.twoFactor} width={200} height={200} />
        <p>
          <code data-testid="totp-secret">{state.secret}</code>
        </p>
        <Field label={say.otp} name="code" autoComplete="one-time-code" inputMode="numeric" required />
        {alert}
        <button>{say.confirm}</button>
      </form>
    );
  }
  if (on) {
    return (
      <form className="card" onSubmit={(event) => void remove(code(event))}>
        <p>{say.twoFactorOn}</p>
        <Field label={say.otp} name="code" autoComplete="one-time-code" required />
        {alert}
        <button>{say.turnOff}</button>
      </form>
    );
  }
  return (
    <>
      {alert}
      <button type="button" onClick={() => void enrol()}>
        {say.turnOn}
      </button>
    </>
  );
}
