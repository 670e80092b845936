"use client";

// The focus of somebody who uses the keyboard, where the button that they have pressed goes.

import { useEffect, useRef, type RefObject } from "react";

/** Keeps the focus in a place whose buttons change with `step`: on the first of those that are there now. */
export function useFocusWithin<E extends HTMLElement>(step: string): RefObject<E | null> {
  const place = useRef<E>(null);
  const last = useRef<EventTarget>(undefined);
  useEffect(() => {
    const element = place.current;
    const note = ({ target }: FocusEvent) => (last.current = target ?? undefined);
    const forget = ({ target }: FocusEvent) =>
      queueMicrotask(() => {
        // What is still there was left; what is not was taken away.
        if (target instanceof Node && target.isConnected && document.activeElement !== target) last.current = undefined;
      });
    element?.addEventListener("focusin", note);
    element?.addEventListener("focusout", forget);
    return () => {
      element?.removeEventListener("focusin", note);
      element?.removeEventListener("focusout", forget);
    };
  }, []);
  useEffect(() => {
    const isLost = last.current instanceof Node && !last.current.isConnected && document.activeElement === document.body;
    if (isLost) place.current?.querySelector<HTMLElement>("button, input")?.focus();
  }, [step]);
  return place;
}
