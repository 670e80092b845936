import { words } from "@/lib/language";

/** Stands where a part of a page cannot be had: calm, and no error page. */
export async function Missing() {
  const say = await words();
  return (
    <p className="calm" role="note" data-testid="missing">
      {say.partMissing}
    </p>
  );
}

/** Holds the place of a part that is on its way. */
export function Skeleton({ lines }: { lines: number }) {
  return (
    <div className="skeleton" aria-hidden="true">
      {Array.from({ length: lines }, (_, line) => (
        <span key={line} />
      ))}
    </div>
  );
}
