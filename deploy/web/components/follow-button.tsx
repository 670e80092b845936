"use client";

import { useRouter } from "next/navigation";
import { startTransition, useOptimistic, useState } from "react";

import { bff } from "@/lib/browser";

import { useWords } from "./words";

export function FollowButton({ member, following }: { member: string; following: boolean }) {
  const say = useWords();
  const router = useRouter();
  const [failed, setFailed] = useState(false);
  const [shown, show] = useOptimistic(following);
  const toggle = () =>
    startTransition(async () => {
      setFailed(false);
      const next = !shown;
      show(next);
      const params = { params: { path: { memberId: member } } };
      const change = next ? bff().PUT("/api/follows/{memberId}", params) : bff().DELETE("/api/follows/{memberId}", params);
      const { response } = await change.catch(() => ({ response: undefined }));
      if (response?.ok) startTransition(() => router.refresh());
      else setFailed(true);
    });
  return (
    <>
      <button type="button" aria-pressed={shown} onClick={toggle}>
        {shown ? say.following : say.follow}
      </button>
      {failed ? <span role="alert">{say.failed}</span> : null}
    </>
  );
}
