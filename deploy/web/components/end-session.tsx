"use client";

import { unwrap } from "bff-client";
import { useRouter } from "next/navigation";

import { useAttempt } from "@/lib/attempt";
import { bff } from "@/lib/browser";

import { Alert } from "./alert";
import { useWords } from "./words";

/** Ends another session of the user's own; the browser or app that has it is told at once. */
export function EndSession({ id, name }: { id: string; name: string }) {
  const say = useWords();
  const router = useRouter();
  const { place, busy, failure, run } = useAttempt<HTMLDivElement>();
  const end = () =>
    void run(async () => {
      await unwrap(bff().DELETE("/auth/sessions/{id}", { params: { path: { id } } }));
      // The button goes with its line: the list's heading is the next best place to be.
      document.getElementById("sessions")?.focus();
      router.refresh();
    });
  return (
    <div ref={place}>
      <button type="button" className="quiet small" aria-disabled={busy} onClick={end}>
        {say.end}
        <span className="unseen"> {name}</span>
      </button>
      <Alert>{failure?.message}</Alert>
    </div>
  );
}
