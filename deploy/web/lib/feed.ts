// The home feed part by part: each part is a promise, so that a page shows what is there.

import "server-only";

import type { BffClient, HomeFeed } from "bff-client";

type Part = Exclude<keyof HomeFeed, "degraded">;

export type Feed = { [K in Part]: Promise<HomeFeed[K] | null> } & {
  /** Names of parts that are missing or old. */
  degraded: Promise<ReadonlySet<string>>;
};

const PARTS: readonly Part[] = ["profile", "posts", "recipes", "nextCursor"];

/** Starts the feed. Never rejects: what cannot be had is null, and everything is named as degraded then. */
export function openFeed(bff: BffClient, cursor: string | undefined): Feed {
  const settle = new Map<string, (value: unknown) => void>();
  const promised = (name: string) => new Promise<unknown>((resolve) => settle.set(name, resolve));
  const feed = Object.fromEntries([...PARTS, "degraded"].map((name) => [name, promised(name)])) as unknown as Feed;
  void read(bff, cursor, settle);
  return feed;
}

/** Which parts are there after at most so many milliseconds. They belong into the page where they are; what comes later
 * gets a placeholder, and its place when it is there. */
export async function partsWithin(feed: Feed, ms: number): Promise<ReadonlySet<keyof Feed>> {
  const there = new Set<keyof Feed>();
  const names = [...PARTS, "degraded"] as const;
  await within(Promise.all(names.map((name) => feed[name].then(() => there.add(name)))), ms);
  return there;
}

/** Whether something is there after at most so many milliseconds. */
export async function within(work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(resolve, ms, false)));
  const there = await Promise.race([work.then(() => true), late]);
  clearTimeout(timer);
  return there;
}

async function read(
  bff: BffClient,
  cursor: string | undefined,
  settle: Map<string, (value: unknown) => void>,
): Promise<void> {
  let degraded: ReadonlySet<string> = new Set(PARTS);
  try {
    for await (const line of bff.stream("/bff/home-feed", { query: cursor ? { cursor } : {} })) {
      if (line.part === "end") degraded = new Set(line.degraded.map(({ part }) => part));
      else settle.get(line.part)?.(line.data);
    }
  } catch {
    // Said by `degraded`, which names everything.
  }
  for (const part of PARTS) settle.get(part)?.(null);
  settle.get("degraded")?.(degraded);
}
