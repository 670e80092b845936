"use client";

import { unwrap } from "bff-client";
import { useRouter } from "next/navigation";
import { useState, type FormEvent } from "react";

import { useAttempt } from "@/lib/attempt";
import { bff } from "@/lib/browser";
import { useDraft } from "@/lib/draft";
import { mayBeMade, useOnce } from "@/lib/once";

import { Alert } from "./alert";
import { TextField } from "./field";
import { useWords } from "./words";

/** A comment is sent once, however often the button is pressed: the key says that it is the same one. */
export function CommentForm({ recipe }: { recipe: string }) {
  const say = useWords();
  const router = useRouter();
  const once = useOnce();
  const [body, setBody] = useState("");
  const draft = useDraft<string>("comment", "", setBody);
  const { place, busy, failure, wrong, run } = useAttempt();
  const type = (text: string) => {
    setBody(text);
    draft.keep(text);
    // Other words are another comment.
    once.forget();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (body.trim() === "") return;
    void run(async () => {
      try {
        await once.send((key) => {
          const params = { path: { id: recipe }, header: { "Idempotency-Key": key } };
          return unwrap(bff().POST("/api/recipes/{id}/comments", { params, body: { body: body.trim() } }));
        });
      } catch (error) {
        // Whoever is asked to look sees the comments as they are.
        if (mayBeMade(error)) router.refresh();
        throw error;
      }
      draft.drop();
      setBody("");
      router.refresh();
    });
  };
  return (
    <form ref={place} onSubmit={submit} data-testid="comment-form">
      <TextField
        label={say.commentLabel}
        error={wrong("body")}
        name="body"
        rows={3}
        required
        value={body}
        onChange={(event) => type(event.target.value)}
      />
      <Alert>{failure?.message}</Alert>
      <button aria-disabled={busy}>{say.comment}</button>
    </form>
  );
}
