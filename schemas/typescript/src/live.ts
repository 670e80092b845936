// Live messages: server-sent events or a WebSocket, the same messages on both, resumed where a connection was cut.

import type { Exchange } from "./layers.js";
import { BffError } from "./problem.js";

/** What live connections are told. The gateway's own types are `reset` and `end`; the others are a product's. */
export interface LiveMessage {
  /** To be given back as `lastEventId`. Absent where it marks no place to resume from. */
  id?: string;
  type: string;
  topic?: string;
  /** Whatever the sender tells of it. */
  data?: unknown;
}

export interface NotifyOptions {
  /** `KIND:ID`, of the kinds that the product's topics have; one's own topic is implied. */
  topics?: readonly string[];
  /** Server-sent events where nothing is said. A WebSocket where `fetch` cannot stream, as in React Native. */
  transport?: "sse" | "websocket";
  /** Ends the subscription. */
  signal?: AbortSignal;
  /** Resumes after the message with this id. */
  lastEventId?: string;
  /** Told when a connection is there or was lost. */
  onState?: (state: "open" | "lost") => void;
}

export interface LiveContext {
  base: string;
  exchange: Exchange;
  /** What the handshake of a WebSocket bears, where the platform lets it. */
  headers: () => Promise<Record<string, string>>;
  WebSocket: (new (url: string, protocols?: string[], options?: { headers: Record<string, string> }) => WebSocket) | undefined;
}

/** The close code that says: the session is over, so do not come back. */
const SIGNED_OUT = 4401;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 30_000;

/** Messages until the signal says stop, the session ends (a thrown {@link BffError} with `unauthenticated`), or the
 * caller leaves the loop. A lost connection is made again, with growing pauses, and resumes after the last message. */
export async function* notify(context: LiveContext, options: NotifyOptions): AsyncGenerator<LiveMessage> {
  if (options.transport === "websocket" && !context.WebSocket) {
    throw new TypeError("this platform has no WebSocket: pass one in the options of the client");
  }
  let last = options.lastEventId;
  let wait = FIRST_WAIT_MS;
  while (!options.signal?.aborted) {
    try {
      const messages = options.transport === "websocket" ? overWebSocket : overEvents;
      for await (const message of messages(context, options, last)) {
        wait = FIRST_WAIT_MS;
        if (message.id !== undefined) last = message.id;
        yield message;
        if (message.type === "end" && codeOf(message) === SIGNED_OUT) return;
      }
    } catch (error) {
      if (options.signal?.aborted) return;
      // Refused for good: asking again would be refused again.
      if (error instanceof BffError && error.status < 500 && error.status !== 429) throw error;
    }
    options.onState?.("lost");
    // Many clients lose their connection at the same moment; they must not come back at the same moment.
    await pause(wait * (0.5 + Math.random()), options.signal);
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  }
}

function codeOf(message: LiveMessage): number | undefined {
  return (message.data as { code?: number } | null | undefined)?.code;
}

function pathOf(options: NotifyOptions, last: string | undefined): string {
  const query = new URLSearchParams();
  if (options.topics?.length) query.set("topics", options.topics.join(","));
  if (last !== undefined) query.set("lastEventId", last);
  const text = query.toString();
  return `/bff/notify${text ? `?${text}` : ""}`;
}

async function* overEvents(
  context: LiveContext,
  options: NotifyOptions,
  last: string | undefined,
): AsyncGenerator<LiveMessage> {
  const init: RequestInit = { headers: { accept: "text/event-stream" }, credentials: "include", cache: "no-store" };
  if (options.signal) init.signal = options.signal;
  const response = await context.exchange(new Request(`${context.base}${pathOf(options, last)}`, init));
  if (!response.ok || !response.body) {
    throw new BffError(response, await response.json().catch(() => undefined));
  }
  options.onState?.("open");
  for await (const data of events(response.body)) yield JSON.parse(data) as LiveMessage;
}

/** The data of each event of an event stream (WHATWG HTML section 9.2). */
export async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let data: string[] = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      rest += decoder.decode(value, { stream: true });
      const ready = rest.split(/\r\n|\n|\r(?!$)/);
      rest = ready.pop() ?? "";
      for (const line of ready) {
        if (line === "") {
          if (data.length > 0) yield data.join("\n");
          data = [];
        } else if (line.startsWith("data:")) {
          data.push(line.slice(line[5] === " " ? 6 : 5));
        }
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

async function* overWebSocket(
  context: LiveContext,
  options: NotifyOptions,
  last: string | undefined,
): AsyncGenerator<LiveMessage> {
  const Socket = context.WebSocket;
  if (!Socket) return;
  const url = `${context.base.replace(/^http/, "ws")}${pathOf(options, last)}`;
  const headers = await context.headers();
  // Browsers take no third argument and send the cookie by themselves.
  const socket = Object.keys(headers).length > 0 ? new Socket(url, [], { headers }) : new Socket(url);
  const queue: LiveMessage[] = [];
  let ended = false;
  let wake: () => void = () => undefined;
  const notice = () => wake();
  const end = () => {
    ended = true;
    notice();
  };
  socket.addEventListener("open", () => options.onState?.("open"));
  socket.addEventListener("message", (event: MessageEvent) => {
    queue.push(JSON.parse(String(event.data)) as LiveMessage);
    notice();
  });
  socket.addEventListener("close", end);
  socket.addEventListener("error", end);
  options.signal?.addEventListener("abort", end, { once: true });
  try {
    for (;;) {
      const message = queue.shift();
      if (message) {
        yield message;
      } else if (ended) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    options.signal?.removeEventListener("abort", end);
    socket.close();
  }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done, { once: true });
  });
}
