"use client";

import { useId, type InputHTMLAttributes, type TextareaHTMLAttributes } from "react";

interface Said {
  label: string;
  error?: string | undefined;
  hint?: string | undefined;
}

/** A labelled input whose mistake is read out with it. */
export function Field({ label, error, hint, ...input }: Said & InputHTMLAttributes<HTMLInputElement>) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input {...input} {...described(id, error, hint)} />
      <Words id={id} error={error} hint={hint} />
    </div>
  );
}

/** The same for longer texts. */
export function TextField({ label, error, hint, ...input }: Said & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <textarea {...input} {...described(id, error, hint)} />
      <Words id={id} error={error} hint={hint} />
    </div>
  );
}

function described(id: string, error: string | undefined, hint: string | undefined) {
  const by = [error ? `${id}-error` : "", hint ? `${id}-hint` : ""].filter(Boolean).join(" ");
  return { id, "aria-invalid": error ? true : undefined, "aria-describedby": by || undefined };
}

function Words({ id, error, hint }: { id: string; error: string | undefined; hint: string | undefined }) {
  return (
    <>
      {error ? (
        <small id={`${id}-error`} className="wrong" data-testid="field-error">
          {error}
        </small>
      ) : null}
      {hint ? <small id={`${id}-hint`}>{hint}</small> : null}
    </>
  );
}
