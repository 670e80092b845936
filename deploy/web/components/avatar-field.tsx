"use client";

import { unwrap, type MemberCard } from "bff-client";
import { useRouter } from "next/navigation";
import { useState } from "react";

import { useAttempt } from "@/lib/attempt";
import { bff } from "@/lib/browser";

import { Alert } from "./alert";
import { Avatar } from "./avatar";
import { PictureField } from "./picture-field";
import { useWords } from "./words";

/** The picture of the user. One that is there is theirs at once. */
export function AvatarField({ member }: { member: MemberCard }) {
  const say = useWords();
  const router = useRouter();
  const { place, failure, wrong, run } = useAttempt<HTMLDivElement>();
  const [said, setSaid] = useState("");
  const change = (key: string | undefined) => {
    setSaid("");
    void run(async () => {
      await unwrap(bff().PATCH("/api/me", { body: { avatarKey: key ?? null } }));
      setSaid(say.picture.saved);
      router.refresh();
    });
  };
  return (
    <div ref={place} className="card avatar-field">
      <PictureField
        label={say.picture.avatar}
        error={wrong("avatarKey")}
        shown={member.avatarUrl ? <Avatar member={member} large /> : null}
        change={change}
      />
      <Alert>{failure?.message}</Alert>
      <span role="status" className="unseen">
        {said}
      </span>
    </div>
  );
}
