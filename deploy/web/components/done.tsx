"use client";

import { useEffect, useRef, type ReactNode } from "react";

/** What came of a form that is a page of its own. Whoever cannot see it is led to it. */
export function Done({ title, said, children }: { title: string; said: string; children: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <div className="narrow card">
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      <p role="status" data-testid="done">
        {said}
      </p>
      <p>{children}</p>
    </div>
  );
}
