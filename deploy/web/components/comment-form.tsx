"use client";

import { useRouter } from "next/navigation";
import { useId, useRef, useState, type FormEvent } from "react";

import { bff } from "@/lib/browser";

import { useWords } from "./words";

/** A comment is sent once, however often the button is pressed: the key says that it is the same one. */
export function CommentForm({ recipe }: { recipe: string }) {
  const say = useWords();
  const router = useRouter();
  const id = useId();
  const key = useRef<string>(undefined);
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const body = String(new FormData(form).get("body") ?? "").trim();
    if (body === "") return;
    setBusy(true);
    key.current ??= crypto.randomUUID();
    const { response } = await bff()
      .POST("/api/recipes/{id}/comments", {
        params: { path: { id: recipe }, header: { "Idempotency-Key": key.current } },
        body: { body },
      })
      .catch(() => ({ response: undefined }));
    setBusy(false);
    setFailed(!response?.ok);
    if (!response?.ok) return;
    key.current = undefined;
    form.reset();
    router.refresh();
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <label htmlFor={id}>{say.comment}</label>
      <textarea
        id={id}
        name="body"
        rows={3}
        maxLength={10000}
        required
        onChange={() => {
          // Other words are another comment.
          key.current = undefined;
        }}
      />
      {failed ? (
        <p role="alert" className="wrong">
          {say.failed}
        </p>
      ) : null}
      <button disabled={busy}>{say.comment}</button>
    </form>
  );
}
