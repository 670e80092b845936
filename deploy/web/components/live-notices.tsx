"use client";

import type { LiveMessage } from "bff-client";
import { usePathname, useRouter } from "next/navigation";
import { useEffect, useState } from "react";

import { bff, isLeaving, sessionEnded, sessionSettled, stay } from "@/lib/browser";

import { useWords } from "./words";

/** What the gateway says of the connection itself. */
const OWN_WORDS = new Set(["ready", "reset", "subscribed", "unsubscribed", "error", "end"]);

/** Hears what happens, says it quietly, and shows it when asked to. One connection for the whole page: what it listens to
 * besides the user's own topics follows from where the user is. */
export function LiveNotices({ me }: { me: string }) {
  const say = useWords();
  const router = useRouter();
  const recipe = /^\/recipes\/([^/]+)$/.exec(usePathname())?.[1];
  const [connected, setConnected] = useState(false);
  const [notice, setNotice] = useState<string>();

  useEffect(() => {
    const stop = new AbortController();
    const topics = [`timeline:${me}`, ...(recipe && recipe !== "new" ? [`recipe:${recipe}`] : [])];
    const wordsFor = (message: LiveMessage) =>
      message.type.startsWith("comment.") ? say.newComment : message.type.startsWith("post.") ? say.newPost : say.newEvent;
    const show = async (id: string) => {
      // The page is rendered from what the gateway has cached for this user: it is to be the changed one.
      const headers = { "cache-control": "max-age=0" };
      await bff().screen("/bff/recipes/{id}", { id, headers }).catch(() => undefined);
      router.refresh();
    };
    const hear = async (signal: AbortSignal) => {
      const onState = (state: "open" | "lost") => setConnected(state === "open");
      for await (const message of bff().notify({ signal, onState, topics })) {
        if (message.type === "reset") router.refresh();
        if (OWN_WORDS.has(message.type) || writtenBy(message) === me) continue;
        setNotice(wordsFor(message));
        // What is on the screen right now is shown as it is; elsewhere the user decides when.
        if (recipe && message.topic === `recipe:${recipe}`) await show(recipe);
      }
    };
    const hearOn = async () => {
      while (!stop.signal.aborted) {
        const signal = AbortSignal.any([stop.signal, stay()]);
        await hear(signal);
        // The session that the connection belonged to is over. Two-factor sign-in being turned on or off ends one session
        // and begins another: then it goes on.
        await sessionSettled();
        if (stop.signal.aborted || isLeaving()) return;
        // A sign-out that failed.
        if (signal.aborted) continue;
        const { response } = await bff().GET("/auth/session", { signal });
        if (response.status === 401) return sessionEnded();
      }
    };
    // Refused: there is no session any more, and the page that is asked for next says so.
    hearOn().catch(() => setConnected(false));
    return () => stop.abort();
  }, [me, recipe, router, say]);

  const look = () => {
    setNotice(undefined);
    router.refresh();
  };
  return (
    <div className="notices" data-live={connected ? "on" : "off"}>
      <div role="status" aria-live="polite">
        {notice ? (
          <p data-testid="notice">
            <span>{notice}</span>
            <button type="button" className="small" onClick={look}>
              {say.show}
            </button>
            <button type="button" className="link small" onClick={() => setNotice(undefined)}>
              {say.close}
            </button>
          </p>
        ) : null}
      </div>
    </div>
  );
}

function writtenBy(message: LiveMessage): string | undefined {
  const data = message.data as { authorId?: string; author?: { id: string } | null } | null | undefined;
  return data?.author?.id ?? data?.authorId;
}
