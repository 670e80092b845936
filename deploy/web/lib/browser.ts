// The browser's client of the gateway. One for each page.

import { BffError, createBrowserClient, type BffClient } from "bff-client";

import { signInPath } from "./return-to";

let client: BffClient | undefined;
let leaving = false;
let staying = new AbortController();
let ending: Promise<unknown> | undefined;

/** Who the page was made for; nobody: empty. The layout says so. */
export function pageOf(): string {
  return document.documentElement.dataset.member ?? "";
}

export function bff(): BffClient {
  client ??= createBrowserClient({
    baseUrl: "",
    signedIn: pageOf() !== "",
    // Another tab or device has ended the session: what is on the page is no longer this user's to change.
    onSignedOut: sessionEnded,
  });
  return client;
}

/** Whether another page is on its way already. */
export function isLeaving(): boolean {
  return leaving;
}

/** Leads to the sign-in page and from there back to this one. What was being typed is kept meanwhile (see `draft`). */
export function sessionEnded(): void {
  leave(signInPath(window.location.pathname + window.location.search, true));
}

/** Loads another page as a whole, so that nothing of this user stays in the memory of the page. Only the first call counts:
 * who signs out is not told a moment later that the session is over. */
export function leave(to: string): void {
  if (leaving) return;
  leaving = true;
  window.location.assign(to);
}

/** For work that gives the session a new id. Its old one ends before the answer with the new one is here, and no tab of
 * this browser must take that for a sign-out: see `sessionSettled`. */
export function changingSession<T>(work: () => Promise<T>): Promise<T> {
  return locked("exclusive", work);
}

/** When nobody is changing or ending the session (any more), in this tab or another. */
export async function sessionSettled(): Promise<void> {
  // A sign-out that fails is told to the user, and the session goes on.
  await ending?.catch(() => undefined);
  await locked("shared", async () => undefined);
}

async function locked<T>(mode: LockMode, work: () => Promise<T>): Promise<T> {
  // Not there without HTTPS: then it is as it would be with one tab less.
  const locks = navigator.locks as LockManager | undefined;
  return locks ? await locks.request("session", { mode }, work) : await work();
}

/** Aborts when the user begins to sign out. Whatever a page asks for by itself is to take it: an answer that comes after
 * the end of the session would be a refusal. */
export function stay(): AbortSignal {
  return staying.signal;
}

/** Ends the session and leaves for the home page. Its end is no news: nobody is sent to the sign-in page. */
export async function signOut(work: () => Promise<unknown>): Promise<void> {
  await endSession("/", async () => {
    try {
      await work();
    } catch (error) {
      // Over already: that is what was asked for.
      if (!(error instanceof BffError && error.status === 401)) throw error;
    }
  });
}

/** Does what ends the session of this browser, and loads the page `to`. Where it fails the session goes on. */
export async function endSession(to: string, work: () => Promise<unknown>): Promise<void> {
  leaving = true;
  staying.abort();
  ending = locked("exclusive", work);
  try {
    await ending;
  } catch (error) {
    leaving = false;
    staying = new AbortController();
    throw error;
  }
  window.location.assign(to);
}
