"use client";

import { bff } from "@/lib/browser";

import { useWords } from "./words";

export function SignOutButton({ everywhere = false }: { everywhere?: boolean }) {
  const say = useWords();
  const signOut = async () => {
    await (everywhere ? bff().POST("/auth/logout-everywhere") : bff().POST("/auth/logout"));
    // A whole load: nothing of this user stays in the page's memory.
    window.location.assign("/");
  };
  return (
    <button type="button" className="link" onClick={() => void signOut()}>
      {everywhere ? say.signOutEverywhere : say.signOut}
    </button>
  );
}
