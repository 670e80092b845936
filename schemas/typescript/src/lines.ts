// Screens part by part: newline-delimited JSON, read as it comes.

import { BffError } from "./problem.js";
import type { Exchange } from "./layers.js";

/** What is not as it should be in a screen's document. */
export interface Degraded {
  /** The part's name. */
  part: string;
  /** Its last good copy stands in, or it is null. */
  status: "stale" | "missing";
  reason: "timeout" | "unavailable" | "invalid" | "rejected" | "overloaded";
}

/** A field of a screen's document, as soon as it is there. `end` is the last one. */
export type Line<D> =
  | { [K in Exclude<keyof D, "degraded"> & string]: { part: K; data: D[K] } }[Exclude<keyof D, "degraded"> & string]
  | { part: "end"; degraded: readonly Degraded[] };

/** Lines of a body. A body that ends in the middle of a line was cut off: that is an error, not an end. */
export async function* lines(body: ReadableStream<Uint8Array>): AsyncGenerator<unknown> {
  const reader = body.getReader();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      rest += done ? decoder.decode() : decoder.decode(value, { stream: true });
      let end = rest.indexOf("\n");
      while (end >= 0) {
        const line = rest.slice(0, end);
        rest = rest.slice(end + 1);
        if (line !== "") yield JSON.parse(line);
        end = rest.indexOf("\n");
      }
      if (done) break;
    }
    if (rest !== "") throw new Error("the answer was cut off");
  } finally {
    // Whoever stops early wants no more of it.
    await reader.cancel().catch(() => undefined);
  }
}

/** Asks for a screen with the document `D`, part by part. */
export async function* streamScreen<D>(exchange: Exchange, request: Request): AsyncGenerator<Line<D>> {
  const response = await exchange(request);
  if (!response.ok || !response.body) {
    throw new BffError(response, await response.json().catch(() => undefined));
  }
  let ended = false;
  for await (const line of lines(response.body)) {
    const { part, error } = line as { part: string; error?: string };
    // What came so far stands; what is missing will not come.
    if (error !== undefined) throw brokenOff(response, error);
    ended = part === "end";
    yield line as Line<D>;
  }
  if (!ended) throw new Error("the answer was cut off");
}

/** The status went out before anything had failed: the last line says what it would have been. */
function brokenOff(response: Response, code: string): BffError {
  const type = `/problems/${code.replaceAll("_", "-")}`;
  return new BffError(response, { type, status: response.status, code, detail: "the answer could not be finished" });
}
