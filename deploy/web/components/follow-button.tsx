"use client";

import { bff } from "@/lib/browser";

import { Alert } from "./alert";
import { useToggle } from "./toggle";
import { useWords } from "./words";

export function FollowButton({ member, following }: { member: string; following: boolean }) {
  const say = useWords();
  const params = { params: { path: { memberId: member } } };
  const { shown, failure, toggle } = useToggle(
    { on: following },
    (before) => ({ on: !before.on }),
    (on) => (on ? bff().PUT("/api/follows/{memberId}", params) : bff().DELETE("/api/follows/{memberId}", params)),
  );
  return (
    <div>
      <button type="button" className={shown.on ? "quiet" : undefined} aria-pressed={shown.on} onClick={toggle}>
        {shown.on ? say.following : say.follow}
      </button>
      <Alert>{failure}</Alert>
    </div>
  );
}
