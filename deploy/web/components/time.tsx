import { language } from "@/lib/language";
import { fullTime, shortTime } from "@/lib/time";

/** How long ago; in full for whoever points at it. */
export async function Time({ of }: { of: string }) {
  const lang = await language();
  return (
    <time className="faint" dateTime={of} title={fullTime(of, lang)}>
      {shortTime(of, lang, Date.now())}
    </time>
  );
}
