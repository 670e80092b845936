// Calls to the gateway while a page is rendered: for the browser whose request is being answered, or for everybody.

import "server-only";

import { createServerClient, type BffClient } from "bff-client";
import { cookies, headers } from "next/headers";
import { cache } from "react";

import { callerToken, gatewayUrl } from "./settings";

function server(fetch?: (request: Request) => Promise<Response>) {
  const token = callerToken();
  return createServerClient({
    baseUrl: gatewayUrl(),
    ...(token === undefined ? {} : { callerToken: token }),
    ...(fetch === undefined ? {} : { fetch }),
  });
}

/** A client that acts for the browser at the other end. One for each render. */
export const gateway = cache(async (): Promise<BffClient> => {
  const asked = await headers();
  return server((request) => fetch(request, { cache: "no-store" })).forRequest({
    cookie: asked.get("cookie"),
    traceparent: asked.get("traceparent"),
    // Next.js hands on what the browser's side says: the reverse proxy in front of this server has to write the header.
    clientAddress: asked.get("x-forwarded-for"),
  });
});

/** Reads what everybody may see: it is kept until the gateway's webhook says that a tag has changed. */
export async function forEverybody<T>(tags: string[], read: (bff: BffClient) => Promise<T>): Promise<T> {
  const answer = await read(everybodys({ next: { tags, revalidate: 60 } } as RequestInit));
  // What lacks a part must not be shown for as long as what is whole: the part may be back by now.
  return isDegraded(answer) ? read(everybodys({ cache: "no-store" })) : answer;
}

/** A client that acts for nobody in particular. `how` says what Next.js keeps of its answers. */
export function everybodys(how: RequestInit): BffClient {
  const ask = (request: Request) => {
    // It is kept here: the gateway is to say what is, not what has just been.
    request.headers.set("cache-control", "max-age=0");
    return fetch(request, how);
  };
  return server(ask).forRequest({});
}

function isDegraded(answer: unknown): boolean {
  const { data } = answer as { data?: { degraded?: readonly unknown[] } };
  return (data?.degraded?.length ?? 0) > 0;
}

/** Whether the browser brings a session cookie, good or not. Costs nothing. */
export async function mayBeSignedIn(): Promise<boolean> {
  return (await cookies()).getAll().some(({ name }) => name === "sid" || name.endsWith("-sid"));
}

export interface Session {
  id: string;
  name: string;
  username: string;
  avatarUrl: string | null;
  email: string;
  /** Unknown where the service that keeps accounts does not say. */
  emailConfirmed: boolean | undefined;
  totpEnabled: boolean;
}

/** Who is signed in, or nobody. Asked once for each render; does not extend the session. */
export const session = cache(async (): Promise<Session | undefined> => {
  if (!(await mayBeSignedIn())) return undefined;
  try {
    const { data } = await (await gateway()).GET("/auth/session");
    const user = data?.user;
    if (!user) return undefined;
    const { id, displayName: name, username, avatarUrl, email, emailConfirmed, totpEnabled } = user;
    return { id, name, username, avatarUrl, email, emailConfirmed, totpEnabled };
  } catch {
    // The gateway is away: the page says so in its own place.
    return undefined;
  }
});
