"use client";

import { useRouter } from "next/navigation";
import { useEffect } from "react";

const FIRST_MS = 2000;
const LONGEST_MS = 30_000;

/** Asks for the page again while a part of it is missing: soon at first, then less and less often, and never while nobody is
 * looking. */
export function ComeBack() {
  const router = useRouter();
  useEffect(() => {
    let wait = FIRST_MS;
    let timer: ReturnType<typeof setTimeout>;
    const ask = () => {
      if (document.visibilityState === "visible" && navigator.onLine) router.refresh();
      wait = Math.min(wait * 1.7, LONGEST_MS);
      // Many pages miss the same part; they must not all ask at the same moment.
      timer = setTimeout(ask, wait * (0.8 + Math.random() * 0.4));
    };
    timer = setTimeout(ask, wait);
    return () => clearTimeout(timer);
  }, [router]);
  return null;
}
