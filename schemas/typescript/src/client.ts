// The clients: typed calls for every path of the contract, and what the caller need not think of.

import createFetchClient, { type Client } from "openapi-fetch";

import type { paths } from "./contract.js";
import { CsrfLayer, EtagCache, withHeaders, type Exchange } from "./layers.js";
import { streamScreen, type Line } from "./lines.js";
import { notify, type LiveContext, type LiveMessage, type NotifyOptions } from "./live.js";
import { BffError, codeOf, isProblem, type Answer } from "./problem.js";
import type { ScreenDocument, ScreenPath, ScreenPathParams, ScreenQuery, View } from "./screens.js";
import { TokenLayer, type Tokens, type TokenStorage } from "./tokens.js";
import { upload, type UploadedFile, type UploadOptions } from "./upload.js";

export interface CommonOptions {
  /** Where the gateway is: `https://api.example`; empty in a browser: where the page came from. */
  baseUrl: string;
  /** Instead of the platform's own. */
  fetch?: (request: Request) => Promise<Response>;
  /** Instead of the platform's own: for live messages where `fetch` cannot stream. */
  WebSocket?: LiveContext["WebSocket"];
  /** The session or the tokens have ended: time to show the sign-in page. Once for each end. */
  onSignedOut?: () => void;
}

export interface BrowserOptions extends CommonOptions {
  /** The page was made for somebody who is signed in: already the first refusal is the end of a session. */
  signedIn?: boolean;
}

export interface ServerOptions extends Omit<CommonOptions, "onSignedOut"> {
  /** The secret that names this server to the gateway (`X-Caller-Token`). */
  callerToken?: string;
}

/** The request of a browser that a server acts for. */
export interface ForwardedRequest {
  /** Its `Cookie` header, as it came. */
  cookie?: string | null | undefined;
  /** W3C Trace Context, as it came. */
  traceparent?: string | null | undefined;
  /** The browser's own address: throttling is by it. */
  clientAddress?: string | null | undefined;
}

export interface AppOptions extends CommonOptions {
  storage: TokenStorage;
}

/** What is asked of a screen: what its path names, and what may be left out. */
type Asked<Paths extends object, P extends ScreenPath<Paths>, O> = keyof ScreenPathParams<Paths, P> extends never
  ? [options?: O]
  : [options: PathOptions<ScreenPathParams<Paths, P>> & O];

/** Parameters of the path stand beside the options, those that are called like one of these under `path`. */
type PathOptions<Params> = Omit<Params, Taken> &
  (Extract<keyof Params, Taken> extends never ? unknown : { path: Pick<Params, Extract<keyof Params, Taken>> });
type Taken = "view" | "path" | keyof ScreenOptions<unknown>;

interface ScreenOptions<Query> {
  query?: Query;
  /** `{ "cache-control": "max-age=0" }`: rather wait than get what is known to be old. */
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** The same once it is checked, whatever the screen. */
interface AnyScreenOptions extends ScreenOptions<object> {
  view?: View;
  path?: Record<string, unknown>;
}

/** JSON; screens also come in lines, which is what `stream` is for. */
type Media = "application/json" | "application/problem+json";

const JSON_OR_PROBLEM = "application/json, application/problem+json";

/** Typed `GET`, `POST`, … of openapi-fetch, and more. `Paths` is the contract: what openapi-typescript makes of
 * `bff openapi`. Where none is named it is the recipe book's. */
export interface BffClient<Paths extends object = paths> extends Client<Paths, Media> {
  /** A screen's document: all of it, or with `view: "compact"` the shape for small screens. */
  screen<P extends ScreenPath<Paths>, V extends View = "full">(
    path: P,
    ...asked: Asked<Paths, P, ScreenOptions<ScreenQuery<Paths, P>> & { view?: V }>
  ): Promise<Answer<ScreenDocument<Paths, P, V>>>;
  /** A screen part by part, each as soon as it is there. */
  stream<P extends ScreenPath<Paths>>(
    path: P,
    ...asked: Asked<Paths, P, ScreenOptions<ScreenQuery<Paths, P>>>
  ): AsyncGenerator<Line<ScreenDocument<Paths, P>>>;
  /** Live messages until the loop is left. */
  notify(options?: NotifyOptions): AsyncGenerator<LiveMessage>;
  /** Sends a file to storage, has it checked, and says where it is read. */
  upload(file: Blob, options?: UploadOptions): Promise<UploadedFile>;
}

/** A client with tokens of its own. */
export interface AppClient<Paths extends object = paths> extends BffClient<Paths> {
  signIn(credentials: { login: string; password: string; otp?: string }): Promise<Tokens>;
  /** Ends the sign-in at the gateway. Signed out here it is in any case. */
  signOut(): Promise<void>;
}

/** For pages in a browser: the session cookie travels by itself, CSRF tokens are fetched and renewed. */
export function createBrowserClient<Paths extends object = paths>(options: BrowserOptions): BffClient<Paths> {
  const base = baseOf(options);
  const csrf = new CsrfLayer(base, options.signedIn);
  const session = watchSession(csrf, options.signedIn ?? false, options.onSignedOut);
  const exchange = session(csrf.around(include(platform(options))));
  return assemble<Paths>(base, exchange, options, async () => ({}));
}

/** For apps: tokens from the storage, refreshed by themselves, and once for all calls at the same time. */
export function createAppClient<Paths extends object = paths>(options: AppOptions): AppClient<Paths> {
  const base = baseOf(options);
  const network = platform(options);
  const etags = new EtagCache();
  const signedOut = () => {
    etags.clear();
    options.onSignedOut?.();
  };
  const tokens = new TokenLayer(base, options.storage, signedOut);
  const exchange = etags.around(tokens.around(network));
  const headers = async (): Promise<Record<string, string>> => {
    const token = await tokens.accessToken(network);
    return token === undefined ? {} : { authorization: `Bearer ${token}` };
  };
  const post = (path: string, body: unknown) =>
    network(
      new Request(`${base}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", accept: "application/json" },
        body: JSON.stringify(body),
        credentials: "omit",
      }),
    );
  return Object.assign(assemble<Paths>(base, exchange, options, headers), {
    async signIn(credentials: { login: string; password: string; otp?: string }): Promise<Tokens> {
      const response = await post("/auth/token", credentials);
      const body: unknown = await response.json().catch(() => undefined);
      if (!response.ok) throw new BffError(response, body);
      etags.clear();
      return tokens.keep(body as { access_token: string; refresh_token: string; expires_in: number });
    },
    async signOut(): Promise<void> {
      const spent = await tokens.forget();
      etags.clear();
      if (spent) await post("/auth/revoke", { refresh_token: spent.refreshToken });
    },
  });
}

/** Makes a client for each request that a server answers. */
export interface ServerClient<Paths extends object = paths> {
  forRequest(request: ForwardedRequest): BffClient<Paths>;
}

/** For servers that render pages: one factory for the process, one client for each request it answers. */
export function createServerClient<Paths extends object = paths>(options: ServerOptions): ServerClient<Paths> {
  const base = baseOf(options);
  return {
    forRequest(request: ForwardedRequest): BffClient<Paths> {
      const given = (value: string | null | undefined) => value ?? undefined;
      const headers = () => ({
        cookie: given(request.cookie),
        traceparent: given(request.traceparent),
        "x-forwarded-for": given(request.clientAddress),
        "x-caller-token": options.callerToken,
      });
      const exchange = withHeaders(platform(options), headers);
      const known = Object.entries(headers()).filter((entry): entry is [string, string] => entry[1] !== undefined);
      return assemble<Paths>(base, exchange, options, async () => Object.fromEntries(known));
    },
  };
}

function assemble<Paths extends object>(
  base: string,
  exchange: Exchange,
  options: CommonOptions | ServerOptions,
  headers: LiveContext["headers"],
): BffClient<Paths> {
  const calls = createFetchClient<Paths, Media>({
    baseUrl: base,
    fetch: exchange,
    headers: { accept: JSON_OR_PROBLEM },
  });
  const platformSocket = (globalThis as { WebSocket?: LiveContext["WebSocket"] }).WebSocket;
  const live: LiveContext = { base, exchange, headers, WebSocket: options.WebSocket ?? platformSocket };
  const screenRequest = (path: string, accept: string, wanted: AnyScreenOptions = {}) => {
    const query = Object.entries({ ...wanted.query, ...(wanted.view ? { view: wanted.view } : {}) });
    // What is undefined was not asked for.
    const given = query.filter(([, value]) => value !== undefined && value !== null);
    const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
    const init: RequestInit = { headers: { ...wanted.headers, accept } };
    if (wanted.signal) init.signal = wanted.signal;
    const params: Record<string, unknown> = { ...wanted, ...wanted.path };
    const place = path.replaceAll(/\{([^{}]+)\}/g, (_, name: string) => encodeURIComponent(String(params[name] ?? "")));
    return new Request(`${base}${place}${text ? `?${text}` : ""}`, init);
  };
  return Object.assign(calls, {
    async screen<P extends ScreenPath<Paths>, V extends View>(
      path: P,
      ...[wanted]: Asked<Paths, P, ScreenOptions<ScreenQuery<Paths, P>> & { view?: V }>
    ): Promise<Answer<ScreenDocument<Paths, P, V>>> {
      const response = await exchange(screenRequest(path, JSON_OR_PROBLEM, wanted as AnyScreenOptions | undefined));
      // A document that was cut off is no document: that throws.
      if (response.ok) return { data: await response.json(), response };
      return { error: await response.json().catch(() => ({})), response };
    },
    stream<P extends ScreenPath<Paths>>(
      path: P,
      ...[wanted]: Asked<Paths, P, ScreenOptions<ScreenQuery<Paths, P>>>
    ): AsyncGenerator<Line<ScreenDocument<Paths, P>>> {
      return streamScreen(exchange, screenRequest(path, "application/x-ndjson", wanted as AnyScreenOptions | undefined));
    },
    notify: (wanted: NotifyOptions = {}) => notify(live, wanted),
    upload: (file: Blob, wanted: UploadOptions = {}) => upload({ base, exchange }, file, wanted),
  });
}

/** Learns the CSRF token from answers that bear it, and notices the end of the session. */
function watchSession(csrf: CsrfLayer, signedIn: boolean, signedOut: (() => void) | undefined) {
  let known = signedIn;
  return (next: Exchange): Exchange =>
    async (request) => {
      const path = new URL(request.url).pathname;
      const response = await next(request);
      if (path.startsWith("/auth/") && response.ok) {
        if (path === "/auth/logout" || path === "/auth/logout-everywhere") {
          csrf.renew();
          known = false;
        }
        const token = await tokenIn(response);
        if (token !== undefined) csrf.renew(token);
      }
      if (response.ok) known = true;
      if (known && response.status === 401 && (await codeOf(response)) === "unauthenticated") {
        known = false;
        csrf.renew();
        signedOut?.();
      }
      return response;
    };
}

async function tokenIn(response: Response): Promise<string | undefined> {
  // A session that got a new id has a new token: an answer without a body says it in a header.
  const header = response.headers.get("x-csrf-token");
  if (header !== null) return header;
  if (!(response.headers.get("content-type") ?? "").startsWith("application/json")) return undefined;
  const body: unknown = await response.clone().json().catch(() => undefined);
  const token = isProblem(body) ? undefined : (body as { csrfToken?: unknown } | undefined)?.csrfToken;
  return typeof token === "string" ? token : undefined;
}

function platform(options: { fetch?: (request: Request) => Promise<Response> }): Exchange {
  return options.fetch ?? ((request) => fetch(request));
}

function include(next: Exchange): Exchange {
  return (request) => next(new Request(request, { credentials: "include" }));
}

function baseOf(options: { baseUrl: string }): string {
  const base = options.baseUrl.replace(/\/+$/, "");
  const page = (globalThis as { location?: { origin: string } }).location;
  return base === "" && page ? page.origin : base;
}
