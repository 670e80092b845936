import { Suspense, type ReactNode } from "react";

import type { Voice } from "@/lib/language";

import { ComeBack } from "./come-back";

/** Stands where a part of a page cannot be had: calm, and no error page. Asks by itself whether it is back. */
export function Missing({ voice: { say } }: { voice: Voice }) {
  return (
    <p className="calm missing" role="note" data-testid="missing">
      {say.partMissing}
      <ComeBack />
    </p>
  );
}

/** Holds the place of a part that is on its way. */
export function Skeleton({ lines }: { lines: number }) {
  return (
    <div className="skeleton" aria-hidden="true" data-testid="skeleton">
      {Array.from({ length: lines }, (_, line) => (
        <span key={line} />
      ))}
    </div>
  );
}

/** A part that is there is a part of the page, also for browsers without a script. One that is not gets its place held. */
export function Part({ there, lines, children }: { there: boolean; lines: number; children: ReactNode }) {
  return there ? children : <Suspense fallback={<Skeleton lines={lines} />}>{children}</Suspense>;
}
