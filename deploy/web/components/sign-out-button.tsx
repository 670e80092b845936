"use client";

import { unwrap } from "bff-client";

import { useAttempt } from "@/lib/attempt";
import { bff, signOut } from "@/lib/browser";

import { Alert } from "./alert";
import { useWords } from "./words";

export function SignOutButton({ everywhere = false }: { everywhere?: boolean }) {
  const say = useWords();
  const { place, busy, failure, run } = useAttempt<HTMLSpanElement>();
  const end = () => unwrap(everywhere ? bff().POST("/auth/logout-everywhere") : bff().POST("/auth/logout"));
  return (
    <span ref={place}>
      <button type="button" className={everywhere ? "quiet" : "link"} aria-disabled={busy} onClick={() => void run(() => signOut(end))}>
        {everywhere ? say.signOutEverywhere : say.signOut}
      </button>
      <Alert>{failure?.message}</Alert>
    </span>
  );
}
