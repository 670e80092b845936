// What happens between a call and the network: one layer for each concern, each a `fetch` around a `fetch`.

import { codeOf } from "./problem.js";

/** One exchange. A request is never used twice: a layer that repeats one keeps a copy. */
export type Exchange = (request: Request) => Promise<Response>;

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);
/** What makes a session and needs none: no token is asked for. */
const BEFORE_A_SESSION = new Set(["/auth/login", "/auth/signup", "/auth/token", "/auth/refresh"]);

/** What is for whoever comes with a mailed link, signed in or not. */
const WITH_OR_WITHOUT_A_SESSION = new Set(["/auth/password/forgot", "/auth/password/reset", "/auth/email/confirm"]);

/** Headers that every request bears. */
export function withHeaders(next: Exchange, headers: () => Record<string, string | undefined>): Exchange {
  return (request) => {
    for (const [name, value] of Object.entries(headers())) {
      if (value !== undefined) request.headers.set(name, value);
    }
    return next(request);
  };
}

interface Kept {
  etag: string;
  body: ArrayBuffer;
  headers: Headers;
}

/** Keeps answers that bear an `ETag`, and asks whether they still hold. */
export class EtagCache {
  readonly #kept = new Map<string, Kept>();
  readonly #most: number;

  constructor(most = 100) {
    this.#most = most;
  }

  /** To be called when somebody else signs in or out: what is kept may be personal. */
  clear(): void {
    this.#kept.clear();
  }

  around(next: Exchange): Exchange {
    return async (request) => {
      if (request.method !== "GET" || request.headers.has("if-none-match")) return next(request);
      const key = `${request.url} ${request.headers.get("accept") ?? ""}`;
      const kept = this.#kept.get(key);
      if (kept) request.headers.set("if-none-match", kept.etag);
      const response = await next(request);
      if (response.status === 304 && kept) {
        this.#use(key, kept);
        const headers = new Headers(kept.headers);
        response.headers.forEach((value, name) => headers.set(name, value));
        return new Response(kept.body.slice(0), { status: 200, headers });
      }
      const etag = response.headers.get("etag");
      const json = (response.headers.get("content-type") ?? "").startsWith("application/json");
      if (response.status !== 200 || !etag || !json) {
        if (response.status !== 304) this.#kept.delete(key);
        return response;
      }
      const body = await response.arrayBuffer();
      this.#use(key, { etag, body, headers: new Headers(response.headers) });
      return new Response(body.slice(0), { status: 200, headers: response.headers });
    };
  }

  #use(key: string, kept: Kept): void {
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= this.#most) break;
      this.#kept.delete(oldest);
    }
  }
}

/** Sends the session's CSRF token with unsafe methods, fetches it when it is not known, and renews it once when refused. */
export class CsrfLayer {
  #token: Promise<string | undefined> | undefined;
  readonly #base: string;
  readonly #signedIn: boolean;

  /** `signedIn`: there is a session from the beginning. */
  constructor(base: string, signedIn = false) {
    this.#base = base;
    this.#signedIn = signedIn;
  }

  /** Another session begins: its token, where it is known already. */
  renew(token?: string): void {
    this.#token = token === undefined ? undefined : Promise.resolve(token);
  }

  around(next: Exchange): Exchange {
    return async (request) => {
      if (SAFE.has(request.method) || BEFORE_A_SESSION.has(new URL(request.url).pathname)) return next(request);
      const again = request.clone();
      // Where nobody is known to be signed in, asking for a token would most likely be refused: it is done when there is need.
      const known = this.#signedIn || this.#token !== undefined;
      const needless = !known && WITH_OR_WITHOUT_A_SESSION.has(new URL(request.url).pathname);
      const token = needless ? undefined : await this.#current(next);
      const response = await next(bearing(request, token));
      if (response.status !== 403 || (await codeOf(response)) !== "csrf_failed") return response;
      this.renew();
      const renewed = await this.#current(next);
      // The same token again would be refused again.
      return renewed === undefined || renewed === token ? response : next(bearing(again, renewed));
    };
  }

  /** Fetched once for all who ask at the same time. */
  #current(next: Exchange): Promise<string | undefined> {
    this.#token ??= this.#fetch(next).catch((error: unknown) => {
      this.#token = undefined;
      throw error;
    });
    return this.#token;
  }

  async #fetch(next: Exchange): Promise<string | undefined> {
    const response = await next(new Request(`${this.#base}/auth/csrf-token`, { credentials: "include" }));
    if (!response.ok) {
      // Nobody is signed in: there is no token, and signing in needs none. Nothing to remember.
      this.#token = undefined;
      return undefined;
    }
    const body = (await response.json()) as { csrf: string };
    return body.csrf;
  }
}

function bearing(request: Request, token: string | undefined): Request {
  if (token !== undefined) request.headers.set("x-csrf-token", token);
  return request;
}
