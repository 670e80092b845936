"use client";

import { useRouter } from "next/navigation";
import { startTransition, useOptimistic, useState } from "react";

import { bff } from "@/lib/browser";

import { useWords } from "./words";

type Kind = "posts" | "recipes" | "comments";

interface Props {
  kind: Kind;
  id: string;
  count: number;
  liked: boolean;
  disabled?: boolean;
}

/** Shows the like at once, and then what the gateway says: after a write its next answer has it. */
export function LikeButton({ kind, id, count, liked, disabled = false }: Props) {
  const say = useWords();
  const router = useRouter();
  const [failed, setFailed] = useState(false);
  const [shown, show] = useOptimistic({ count, liked }, (_, next: { count: number; liked: boolean }) => next);
  const toggle = () =>
    startTransition(async () => {
      setFailed(false);
      const next = !shown.liked;
      show({ liked: next, count: shown.count + (next ? 1 : -1) });
      const { response } = await change(kind, id, next).catch(() => ({ response: undefined }));
      if (response?.ok) startTransition(() => router.refresh());
      else setFailed(true);
    });
  return (
    <div className="like">
      <button type="button" aria-pressed={shown.liked} disabled={disabled} onClick={toggle}>
        <span aria-hidden="true">{shown.liked ? "♥" : "♡"}</span> {shown.liked ? say.liked : say.like}{" "}
        <span data-testid="likes">{shown.count}</span>
      </button>
      {failed ? <span role="alert">{say.failed}</span> : null}
    </div>
  );
}

function change(kind: Kind, id: string, liked: boolean): Promise<{ response: Response }> {
  const params = { params: { path: { id } } };
  const client = bff();
  switch (kind) {
    case "posts":
      return liked ? client.PUT("/api/posts/{id}/like", params) : client.DELETE("/api/posts/{id}/like", params);
    case "recipes":
      return liked ? client.PUT("/api/recipes/{id}/like", params) : client.DELETE("/api/recipes/{id}/like", params);
    case "comments":
      return liked ? client.PUT("/api/comments/{id}/like", params) : client.DELETE("/api/comments/{id}/like", params);
  }
}
