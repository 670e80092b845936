// Access and refresh tokens of an app: kept where the app says, refreshed by themselves and once for all callers.

import type { Exchange } from "./layers.js";
import { BffError, codeOf } from "./problem.js";

/** What an app keeps between its starts. The refresh token belongs into the system's key store. */
export interface Tokens {
  accessToken: string;
  refreshToken: string;
  /** Unix milliseconds by this device's clock. */
  expiresAt: number;
}

/** Where tokens are kept. `set` must have stored them when its promise is fulfilled. */
export interface TokenStorage {
  get(): Promise<Tokens | undefined> | Tokens | undefined;
  set(tokens: Tokens | undefined): Promise<void> | void;
}

/** Keeps tokens in memory: for tests, and for apps that sign in at each start. */
export class MemoryStorage implements TokenStorage {
  #tokens: Tokens | undefined;
  get(): Tokens | undefined {
    return this.#tokens;
  }
  set(tokens: Tokens | undefined): void {
    this.#tokens = tokens;
  }
}

interface TokenAnswer {
  access_token: string;
  refresh_token: string;
  expires_in: number;
}

/** Refreshed this long before the end, so that no request travels with a token that ends on the way. */
const EARLY_MS = 30_000;

export class TokenLayer {
  readonly #base: string;
  readonly #storage: TokenStorage;
  readonly #signedOut: () => void;
  #refreshing: Promise<Tokens | undefined> | undefined;

  constructor(base: string, storage: TokenStorage, signedOut: () => void) {
    this.#base = base;
    this.#storage = storage;
    this.#signedOut = signedOut;
  }

  /** The access token to be sent now; refreshed first where it is about to end. */
  async accessToken(next: Exchange): Promise<string | undefined> {
    const tokens = await this.#storage.get();
    if (!tokens) return undefined;
    if (tokens.expiresAt - Date.now() > EARLY_MS) return tokens.accessToken;
    try {
      return (await this.#refresh(next, tokens))?.accessToken;
    } catch (error) {
      // No network, or the gateway is away: what is left of the old one may do.
      if (tokens.expiresAt > Date.now()) return tokens.accessToken;
      throw error;
    }
  }

  around(next: Exchange): Exchange {
    return async (request) => {
      if (new URL(request.url).pathname.startsWith("/auth/token")) return next(request);
      const again = request.clone();
      const token = await this.accessToken(next);
      if (token === undefined) return next(request);
      request.headers.set("authorization", `Bearer ${token}`);
      const response = await next(request);
      if (response.status !== 401 || (await codeOf(response)) !== "invalid_token") return response;
      const tokens = await this.#storage.get();
      if (!tokens) return response;
      // Another call may have refreshed meanwhile.
      const fresh = tokens.accessToken === token ? await this.#refresh(next, tokens) : tokens;
      if (!fresh) return response;
      again.headers.set("authorization", `Bearer ${fresh.accessToken}`);
      return next(again);
    };
  }

  async keep(answer: TokenAnswer): Promise<Tokens> {
    const tokens = {
      accessToken: answer.access_token,
      refreshToken: answer.refresh_token,
      expiresAt: Date.now() + answer.expires_in * 1000,
    };
    await this.#storage.set(tokens);
    return tokens;
  }

  async forget(): Promise<Tokens | undefined> {
    const tokens = await this.#storage.get();
    await this.#storage.set(undefined);
    return tokens;
  }

  /** One refresh at a time. An answer that was lost is asked for again with the same token: the gateway gives the
   * same successor again. Tokens are given up only when the gateway says that they are no good. */
  #refresh(next: Exchange, spent: Tokens): Promise<Tokens | undefined> {
    this.#refreshing ??= this.#ask(next, spent).finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #ask(next: Exchange, spent: Tokens): Promise<Tokens | undefined> {
    const request = () =>
      new Request(`${this.#base}/auth/refresh`, {
        method: "POST",
        headers: { "content-type": "application/json", accept: "application/json" },
        body: JSON.stringify({ refresh_token: spent.refreshToken }),
        credentials: "omit",
      });
    let response: Response;
    try {
      response = await next(request());
    } catch {
      response = await next(request());
    }
    if (response.ok) return this.keep((await response.json()) as TokenAnswer);
    if (response.status === 401) {
      await this.#storage.set(undefined);
      this.#signedOut();
      return undefined;
    }
    throw new BffError(response, await response.json().catch(() => undefined));
  }
}
