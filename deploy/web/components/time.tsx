import type { Voice } from "@/lib/language";
import { fullTime, shortTime } from "@/lib/time";

/** How long ago; in full for whoever points at it. */
export function Time({ of, voice: { lang } }: { of: string; voice: Voice }) {
  return (
    <time className="faint" dateTime={of} title={fullTime(of, lang)}>
      {shortTime(of, lang, Date.now())}
    </time>
  );
}
