// Files: sent to storage in parts, some at the same time, each again where it was cut off, and gone on with where an
// upload was left before the page was loaded anew.

import type { components } from "./contract.js";
import type { Exchange } from "./layers.js";
import { BffError } from "./problem.js";

export type UploadedFile = components["schemas"]["CommittedFile"];
type Presigned = components["schemas"]["PresignedUpload"];
type State = components["schemas"]["UploadState"];
type Part = components["schemas"]["UploadPart"];

/** Parts that are sent at the same time. */
const PARALLEL = 3;
/** How often a part is sent, and after which pause the first time; each pause is twice as long as the one before. */
const TRIES = 6;
const PAUSE_MS = 400;
/** The longest pause that a service may ask for: whoever is to wait for longer is told so. */
const LONGEST_PAUSE_S = 60;
/** Refusals that are about the moment: too slow, too early, too often. */
const PASSING = new Set([408, 425, 429]);
/** Refusals of a part after which the gateway is asked what holds: its signature has grown old, or it is there already. */
const DOUBTFUL = new Set([403, 404, 409, 410]);
/** How often that is asked for one part. */
const DOUBTS = 2;
/** How often a commit asks for parts that were lost after they had arrived. */
const COMMITS = 3;

export interface UploadProgress {
  /** Bytes that have arrived or are on their way. */
  sent: number;
  total: number;
}

/** Where it is kept which uploads have begun. A page's `localStorage` is one. */
export interface UploadStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export interface UploadOptions {
  /** A `File` has one. */
  name?: string;
  /** A `File` and a `Blob` have one. */
  contentType?: string;
  /** Pictures are public where nothing is said, everything else is private, unless the operator says otherwise. */
  visibility?: "public" | "private";
  /** Of the whole content, `sha256:` or `crc64nvme:` and the value. */
  checksum?: string;
  onProgress?: (progress: UploadProgress) => void;
  /** Cancels the upload: what has arrived is deleted. */
  signal?: AbortSignal;
  /** So that an upload which was left is gone on with; in a page `localStorage`. Where nothing is said it begins anew. */
  storage?: UploadStorage;
}

/** What an upload needs of a client. */
export interface UploadContext {
  base: string;
  /** For calls to the gateway. Parts go to storage, by their signed URLs alone. */
  exchange: Exchange;
}

/** Sends a file, has it checked, and says where it is read. Throws a {@link BffError} where the gateway refuses, and what
 * `fetch` throws where the network is away for too long; then the same call goes on where this one has ended. */
export async function upload(context: UploadContext, file: Blob, options: UploadOptions = {}): Promise<UploadedFile> {
  options.signal?.throwIfAborted();
  const memory = remembered(file, options);
  const left = await taken(context, memory, options.signal);
  if (left) {
    try {
      return await carryOut(context, file, left, memory, options);
    } catch (error) {
      // It was swept, or deleted elsewhere, since it was gone on with.
      if (!isGone(error)) throw error;
    }
  }
  return carryOut(context, file, await begin(context, file, memory, options), memory, options);
}

interface Begun {
  key: string;
  parts: Part[];
}

/** Sends what is missing of an upload, and has it checked. */
async function carryOut(
  context: UploadContext,
  file: Blob,
  begun: Begun,
  memory: Memory,
  options: UploadOptions,
): Promise<UploadedFile> {
  const { signal } = options;
  const progress = new Progress(file.size, begun.parts, options.onProgress);
  try {
    let missing = begun.parts;
    for (let commits = 1; ; commits++) {
      await sendAll(context, begun.key, file, missing, progress, signal);
      try {
        // Twice is once.
        const commit = () => call<UploadedFile>(context, "POST", "/files/upload/commit", signal, { key: begun.key });
        const done = await patiently(commit, signal);
        memory.forget();
        return done;
      } catch (error) {
        if (!(error instanceof BffError) || error.code !== "incomplete" || commits >= COMMITS) throw error;
        missing = (await patiently(() => stateOf(context, begun.key, signal), signal)).missing;
      }
    }
  } catch (error) {
    if (signal?.aborted) {
      memory.forget();
      // The caller has been told already; what stays is swept by the gateway.
      await call(context, "DELETE", `/files/${begun.key}`).catch(() => undefined);
      throw signal.reason;
    }
    // What was refused for good is not gone on with; whoever signs in again, or makes room, goes on.
    const isRefused = error instanceof BffError && error.status < 500 && error.status !== 401;
    if (isRefused && !isPassing(error)) memory.forget();
    throw error;
  }
}

const isGone = (error: unknown) => error instanceof BffError && (error.status === 404 || error.status === 410);

/** Whether another try may end otherwise: the connection was lost, or the refusal is about the moment. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof BffError)) return true;
  return PASSING.has(error.status) || (error.status >= 500 && error.status !== 507);
}

/** For how many milliseconds the next try waits; `undefined` where no more are worth it. */
function pauseAfter(error: unknown, tries: number): number | undefined {
  const asked = error instanceof BffError ? (error.retryAfter ?? 0) : 0;
  if (tries >= TRIES || asked > LONGEST_PAUSE_S) return undefined;
  return Math.max(asked * 1000, PAUSE_MS * 2 ** (tries - 1) * (0.5 + Math.random()));
}

/** An upload of this file that was left, if it can be gone on with. */
async function taken(context: UploadContext, memory: Memory, signal?: AbortSignal): Promise<Begun | undefined> {
  const key = memory.recall();
  if (key === undefined) return undefined;
  try {
    return { key, parts: (await patiently(() => stateOf(context, key, signal), signal)).missing };
  } catch (error) {
    if (!isGone(error)) throw error;
    memory.forget();
    return undefined;
  }
}

async function begin(context: UploadContext, file: Blob, memory: Memory, options: UploadOptions): Promise<Begun> {
  const { visibility, checksum, signal } = options;
  const wanted = {
    name: options.name ?? nameOf(file),
    contentType: options.contentType ?? file.type,
    size: file.size,
    ...(visibility === undefined ? {} : { visibility }),
    ...(checksum === undefined ? {} : { checksum }),
  };
  const { key, parts } = await call<Presigned>(context, "POST", "/files/upload/presign", signal, wanted);
  memory.keep(key);
  return { key, parts };
}

async function sendAll(
  context: UploadContext,
  key: string,
  file: Blob,
  parts: readonly Part[],
  progress: Progress,
  signal?: AbortSignal,
): Promise<void> {
  const waiting = [...parts];
  // Where one cannot be sent the others are of no use.
  const stop = new AbortController();
  const cancel = () => stop.abort(signal?.reason);
  if (signal?.aborted) cancel();
  signal?.addEventListener("abort", cancel);
  const send = async () => {
    for (let part = waiting.shift(); part; part = waiting.shift()) {
      await sendUntilThere(context, key, file, part, progress, stop.signal);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(PARALLEL, waiting.length) }, send));
  } finally {
    signal?.removeEventListener("abort", cancel);
    stop.abort();
  }
}

async function sendUntilThere(
  context: UploadContext,
  key: string,
  file: Blob,
  first: Part,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  let part: Part | undefined = first;
  let doubts = 0;
  for (let tries = 1; part; tries++) {
    const { number, from, to }: Part = part;
    // It may have been cancelled while the gateway was asked: no event will say so any more.
    signal.throwIfAborted();
    let failure: unknown;
    try {
      const answer = await put(context, part, file.slice(from, to), (sent) => progress.of(number, sent), signal);
      if (answer.ok) return progress.of(number, to - from);
      failure = new BffError(answer, await answer.json().catch(() => undefined));
    } catch (error) {
      failure = error;
    }
    signal.throwIfAborted();
    progress.of(number, 0);
    const isInDoubt = failure instanceof BffError && DOUBTFUL.has(failure.status) && ++doubts <= DOUBTS;
    const wait = isInDoubt || isPassing(failure) ? pauseAfter(failure, tries) : undefined;
    if (wait === undefined) throw failure;
    await pause(wait, signal);
    // Its URL may be too old by now, or it has arrived and the answer was lost.
    const known = await stateOf(context, key, signal).catch((error: unknown) => {
      if (!isPassing(error)) throw error;
      return undefined;
    });
    if (known) part = known.missing.find((missing: Part) => missing.number === number);
    if (!part) progress.of(number, to - from);
  }
}

/** Sends one part; gives storage's answer. */
function put(
  context: UploadContext,
  part: Part,
  body: Blob,
  sent: (bytes: number) => void,
  signal: AbortSignal,
): Promise<Response> {
  const isOurs = part.url.startsWith("/");
  const url = isOurs ? `${context.base}${part.url}` : part.url;
  const Xhr = (globalThis as { XMLHttpRequest?: typeof XMLHttpRequest }).XMLHttpRequest;
  if (!Xhr) {
    const init = { method: part.method, headers: part.headers, body, signal, credentials: "omit" } as const;
    return fetch(url, init);
  }
  // `fetch` does not tell how much it has sent.
  return new Promise((resolve, reject) => {
    const request = new Xhr();
    const abort = () => request.abort();
    request.open(part.method, url);
    for (const [name, value] of Object.entries(part.headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => sent(event.loaded);
    // A browser complains of headers that a bucket does not show.
    const shown = isOurs ? ["content-type", "retry-after"] : ["content-type"];
    request.onload = () => {
      const known = shown.map((name) => [name, request.getResponseHeader(name) ?? ""] as const);
      const headers = Object.fromEntries(known.filter(([, value]) => value !== ""));
      const text = request.responseText;
      resolve(new Response(text === "" ? null : text, { status: request.status, headers }));
    };
    request.onerror = () => reject(new TypeError("the network failed"));
    request.onabort = () => reject(signal.reason);
    request.onloadend = () => signal.removeEventListener("abort", abort);
    signal.addEventListener("abort", abort);
    request.send(body);
  });
}

function stateOf(context: UploadContext, key: string, signal?: AbortSignal): Promise<State> {
  return call<State>(context, "GET", `/files/upload/${key}`, signal);
}

async function call<T>(
  context: UploadContext,
  method: string,
  path: string,
  signal?: AbortSignal,
  body?: unknown,
): Promise<T> {
  const headers: Record<string, string> = { accept: "application/json, application/problem+json" };
  const init: RequestInit = { method, headers };
  if (signal) init.signal = signal;
  if (body !== undefined) {
    headers["content-type"] = "application/json";
    init.body = JSON.stringify(body);
  }
  const response = await context.exchange(new Request(`${context.base}${path}`, init));
  const answer: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw new BffError(response, answer);
  return answer as T;
}

/** Tries again where the network was away, or the gateway is not able to answer just now. */
async function patiently<T>(what: () => Promise<T>, signal: AbortSignal = new AbortController().signal): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await what();
    } catch (error) {
      signal.throwIfAborted();
      const wait = isPassing(error) ? pauseAfter(error, tries) : undefined;
      if (wait === undefined) throw error;
      await pause(wait, signal);
    }
  }
}

/** Waits, and at least until the browser believes in a network again. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", aborted);
      events?.removeEventListener?.("online", end);
      resolve();
    };
    const aborted = () => {
      clearTimeout(timer);
      events?.removeEventListener?.("online", end);
      reject(signal.reason);
    };
    const events = globalThis as Partial<Pick<EventTarget, "addEventListener" | "removeEventListener">>;
    const isOffline = (globalThis as { navigator?: { onLine?: boolean } }).navigator?.onLine === false;
    // A network that comes back ends the pause, and without one no try is used up for a minute.
    if (isOffline) events.addEventListener?.("online", end);
    const timer = setTimeout(end, isOffline ? Math.max(milliseconds, 60_000) : milliseconds);
    signal.addEventListener("abort", aborted, { once: true });
  });
}

/** How much has been sent, told where it changes. */
class Progress {
  readonly #sent = new Map<number, number>();
  readonly #total: number;
  readonly #before: number;
  readonly #told: ((progress: UploadProgress) => void) | undefined;

  constructor(total: number, missing: readonly Part[], told: ((progress: UploadProgress) => void) | undefined) {
    this.#total = total;
    this.#before = total - missing.reduce((bytes, part) => bytes + (part.to - part.from), 0);
    this.#told = told;
    this.#tell();
  }

  of(part: number, bytes: number): void {
    if (this.#sent.get(part) === bytes) return;
    this.#sent.set(part, bytes);
    this.#tell();
  }

  #tell(): void {
    const sent = [...this.#sent.values()].reduce((all, one) => all + one, this.#before);
    this.#told?.({ sent: Math.min(sent, this.#total), total: this.#total });
  }
}

interface Memory {
  recall(): string | undefined;
  keep(key: string): void;
  forget(): void;
}

/** What is remembered of an upload of this file: by what is known of it without reading it. */
function remembered(file: Blob, options: UploadOptions): Memory {
  const { lastModified } = file as { lastModified?: number };
  const said = [options.name ?? nameOf(file), file.size, lastModified ?? "", options.visibility ?? "", options.checksum ?? ""];
  const name = `bff-upload:${said.join(":")}`;
  const { storage } = options;
  const attempt = <T>(what: (storage: UploadStorage) => T): T | undefined => {
    try {
      // A storage may be full, or forbidden: then an upload that is left begins anew.
      return storage ? what(storage) : undefined;
    } catch {
      return undefined;
    }
  };
  // Without a time of change, another file may look the same.
  const isKnown = lastModified !== undefined || options.checksum !== undefined;
  return {
    recall: () => (isKnown ? attempt((storage) => storage.getItem(name)) : undefined) ?? undefined,
    keep: (key) => void (isKnown && attempt((storage) => storage.setItem(name, key))),
    forget: () => void attempt((storage) => storage.removeItem(name)),
  };
}

function nameOf(file: Blob): string {
  return (file as { name?: string }).name ?? "file";
}
