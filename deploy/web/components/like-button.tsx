"use client";

import { bff } from "@/lib/browser";

import { Alert } from "./alert";
import { useToggle } from "./toggle";
import { useWords } from "./words";

type Kind = "posts" | "recipes" | "comments";

interface Props {
  kind: Kind;
  id: string;
  count: number;
  liked: boolean;
  disabled?: boolean;
}

export function LikeButton({ kind, id, count, liked, disabled = false }: Props) {
  const say = useWords();
  const { shown, failure, toggle } = useToggle(
    { on: liked, count },
    (before) => ({ on: !before.on, count: before.count + (before.on ? -1 : 1) }),
    (on) => change(kind, id, on),
  );
  return (
    <div className="like">
      <button type="button" aria-pressed={shown.on} disabled={disabled} onClick={toggle}>
        <span aria-hidden="true">{shown.on ? "♥" : "♡"}</span> {shown.on ? say.liked : say.like}{" "}
        <span data-testid="likes">{shown.count}</span>
      </button>
      <Alert>{failure}</Alert>
    </div>
  );
}

function change(kind: Kind, id: string, liked: boolean): Promise<{ response: Response; error?: unknown }> {
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
