"use client";

import { unwrap } from "bff-client";
import { useRouter } from "next/navigation";
import { useEffect, useRef, useState, type FormEvent } from "react";

import { useAttempt } from "@/lib/attempt";
import { bff } from "@/lib/browser";
import { useDraft } from "@/lib/draft";

import { Alert } from "./alert";
import { TextField } from "./field";
import { useWords } from "./words";

type Step = "shown" | "edited" | "deletion";

/** The text of one's own comment, to be changed or taken away where it stands. */
export function OwnComment({ id, body }: { id: string; body: string }) {
  const say = useWords();
  const router = useRouter();
  const [step, setStep] = useState<Step>("shown");
  const [text, setText] = useState(body);
  const [said, setSaid] = useState("");
  const draft = useDraft<string>(`comment ${id}`, body, (kept) => {
    setText(kept);
    setStep("edited");
  });
  const { place, busy, failure, wrong, run } = useAttempt<HTMLDivElement>();
  const params = { params: { path: { id } } };

  // Whoever works with the keyboard stays where the work is.
  const stepped = useRef(false);
  useEffect(() => {
    if (stepped.current) place.current?.querySelector<HTMLElement>("textarea, [data-first]")?.focus();
    stepped.current = true;
  }, [step, place]);

  const close = () => {
    draft.drop();
    setText(body);
    setStep("shown");
  };
  const save = (event: FormEvent) => {
    event.preventDefault();
    if (text.trim() === "") return;
    void run(async () => {
      await unwrap(bff().PUT("/api/comments/{id}", { ...params, body: { body: text.trim() } }));
      draft.drop();
      setStep("shown");
      setSaid(say.commentSaved);
      router.refresh();
    });
  };
  const remove = () =>
    void run(async () => {
      await unwrap(bff().DELETE("/api/comments/{id}", params));
      // The comment goes, and with it everything that could have the focus.
      document.getElementById("comments")?.focus();
      router.refresh();
    });
  return (
    <div ref={place} data-testid="own-comment">
      {step === "edited" ? (
        <form onSubmit={save}>
          <TextField
            label={say.editComment}
            error={wrong("body")}
            rows={3}
            required
            value={text}
            onChange={(event) => {
              setText(event.target.value);
              draft.keep(event.target.value);
            }}
          />
          <Alert>{failure?.message}</Alert>
          <p className="buttons">
            <button aria-disabled={busy}>{say.save}</button>
            <button type="button" className="quiet" onClick={close}>
              {say.cancel}
            </button>
          </p>
        </form>
      ) : (
        <p>{body}</p>
      )}
      {step === "shown" ? (
        <p className="buttons small">
          <button type="button" className="link" data-first onClick={() => setStep("edited")}>
            {say.edit}
          </button>
          <button type="button" className="link" onClick={() => setStep("deletion")}>
            {say.deletion}
          </button>
        </p>
      ) : null}
      {step === "deletion" ? (
        <div role="group" aria-label={say.deletionSure}>
          <p>{say.deletionSure}</p>
          <Alert>{failure?.message}</Alert>
          <p className="buttons">
            <button type="button" aria-disabled={busy} onClick={remove}>
              {say.deletion}
            </button>
            <button type="button" className="quiet" data-first onClick={close}>
              {say.cancel}
            </button>
          </p>
        </div>
      ) : null}
      <span role="status" className="unseen">
        {said}
      </span>
    </div>
  );
}
