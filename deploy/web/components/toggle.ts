"use client";

import { BffError } from "bff-client";
import { useRouter } from "next/navigation";
import { startTransition, useOptimistic, useState } from "react";

import { explain } from "@/lib/failure";

import { useLanguage, useWords } from "./words";

/** Something that is on or off: shown at once as it is to be, then as the gateway has it. A failure puts back what was there
 * and says so. After a write the gateway's next answer has it, so that nothing flickers. */
export function useToggle<S extends { on: boolean }>(
  state: S,
  turned: (before: S) => S,
  change: (on: boolean) => Promise<{ response: Response; error?: unknown }>,
): { shown: S; failure: string | undefined; toggle: () => void } {
  const say = useWords();
  const language = useLanguage();
  const router = useRouter();
  const [failure, setFailure] = useState<string>();
  const [shown, show] = useOptimistic(state, (_, next: S) => next);
  const toggle = () =>
    startTransition(async () => {
      const next = turned(shown);
      show(next);
      const mistake = await change(next.on).then(
        ({ response, error }) => (response.ok ? undefined : new BffError(response, error)),
        (error: unknown) => error,
      );
      // What comes after waiting is part of no transition by itself.
      startTransition(() => {
        setFailure(mistake === undefined ? undefined : (explain(mistake, say, language).message ?? say.failed));
        if (mistake === undefined) router.refresh();
      });
    });
  return { shown, failure, toggle };
}
