"use client";

import { useRouter } from "next/navigation";

import { bff } from "@/lib/browser";

import { useWords } from "./words";

export function EndSession({ id }: { id: string }) {
  const say = useWords();
  const router = useRouter();
  const end = async () => {
    await bff().DELETE("/auth/sessions/{id}", { params: { path: { id } } });
    router.refresh();
  };
  return (
    <button type="button" className="quiet" onClick={() => void end()}>
      {say.end}
    </button>
  );
}
