"use client";

// One try of something that may fail: busy meanwhile, and a failure that is said and found.

import { useEffect, useRef, useState, type RefObject } from "react";

import { useLanguage, useWords } from "@/components/words";

import { explain, type Failure } from "./failure";

export interface Attempt<E extends HTMLElement> {
  /** To be put on what holds fields and alert. */
  place: RefObject<E | null>;
  busy: boolean;
  failure: Failure | undefined;
  /** The mistake in one field. */
  wrong(field: string): string | undefined;
  /** Does the work unless it is being done. Says whether it succeeded. */
  run(work: () => Promise<void>): Promise<boolean>;
}

export function useAttempt<E extends HTMLElement = HTMLFormElement>(): Attempt<E> {
  const say = useWords();
  const language = useLanguage();
  const place = useRef<E>(null);
  const running = useRef(false);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure>();

  // Whoever cannot see the mistake is led to it; an alert is read out by itself.
  useEffect(() => {
    if (failure) place.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [failure]);

  const run = async (work: () => Promise<void>) => {
    if (running.current) return false;
    running.current = true;
    setBusy(true);
    try {
      await work();
      setFailure(undefined);
      return true;
    } catch (error) {
      setFailure(explain(error, say, language));
      return false;
    } finally {
      running.current = false;
      setBusy(false);
    }
  };
  return { place, busy, failure, wrong: (field) => failure?.fields[field], run };
}
