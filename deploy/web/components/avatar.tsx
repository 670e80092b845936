import type { MemberCard } from "bff-client";

import { Picture } from "./picture";

/** A member's picture, or the first letter of the name. The name stands beside it, so that it says nothing by itself. */
export function Avatar({ member, large = false }: { member: MemberCard | null; large?: boolean }) {
  const look = large ? "avatar large" : "avatar";
  const side = large ? 64 : 36;
  return (
    <Picture src={member?.avatarUrl} look={look} width={side} height={side}>
      <span className={`${look} hue-${hueOf(member?.id ?? "")}`} aria-hidden="true">
        {firstLetter(member?.displayName)}
      </span>
    </Picture>
  );
}

/** One of six colours, always the same for the same thing. */
export function hueOf(id: string): number {
  let sum = 0;
  for (const letter of id) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 6007;
  return sum % 6;
}

function firstLetter(name: string | undefined): string {
  return [...(name?.trim() ?? "")][0]?.toUpperCase() ?? "·";
}
