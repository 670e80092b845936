"use client";

// What is being typed survives the end of a session, a reload and a crash, in this tab and for this user only.

import { useEffect, useRef } from "react";

import { pageOf } from "./browser";

interface Kept {
  /** What the form was when typing began: a draft of something that has changed since is of no use. */
  base: string;
  value: unknown;
}

export interface Draft<T> {
  keep(value: T): void;
  drop(): void;
}

/** Calls `restore` once with what was kept under `name` on this path, and keeps what it is given from then on. */
export function useDraft<T>(name: string, base: unknown, restore: (value: T) => void): Draft<T> {
  const before = useRef(JSON.stringify(base));
  const restoring = useRef(restore);
  const draft = useRef<Draft<T>>({
    keep: (value) => write(name, { base: before.current, value }),
    drop: () => write(name, undefined),
  });
  useEffect(() => {
    const kept = read(name);
    if (kept?.base === before.current) restoring.current(kept.value as T);
  }, [name]);
  return draft.current;
}

const place = (name: string) => `draft ${pageOf()} ${window.location.pathname} ${name}`;

// A browser that keeps nothing for this site says so by throwing.
function read(name: string): Kept | undefined {
  try {
    return JSON.parse(window.sessionStorage.getItem(place(name)) ?? "null") ?? undefined;
  } catch {
    return undefined;
  }
}

function write(name: string, kept: Kept | undefined): void {
  try {
    if (kept) window.sessionStorage.setItem(place(name), JSON.stringify(kept));
    else window.sessionStorage.removeItem(place(name));
  } catch {
    // The form works without.
  }
}
