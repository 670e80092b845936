// Public pictures, for the optimiser of Next.js alone: `/_next/image` keeps what it has made for everybody, so that it may ask
// only for what everybody may see. The browser's cookie does not go on from here, and what is private is not found.

import { callerToken, gatewayUrl } from "@/lib/settings";

/** For how long a copy is made of what has been deleted since. */
const KEPT_S = 86_400;
const KINDS = new Set(["image/jpeg", "image/png", "image/webp", "image/avif", "image/gif"]);

export async function GET(_: Request, { params }: { params: Promise<{ key: string }> }): Promise<Response> {
  const { key } = await params;
  const rest = new AbortController();
  const answer = await read(`${gatewayUrl()}/files/${encodeURIComponent(key)}`, rest.signal).catch(() => undefined);
  if (answer?.headers.has("x-accel-redirect")) {
    console.error("BFF_URL leads past the nginx that sends the gateway's files (files.accel): no picture can be shown");
    return refusal(502);
  }
  const kind = answer?.headers.get("content-type") ?? "";
  if (!answer?.ok || !KINDS.has(kind)) {
    // Nobody reads it to its end.
    rest.abort();
    return refusal(answer === undefined || answer.status >= 500 ? 502 : 404);
  }
  return new Response(answer.body, {
    headers: { "content-type": kind, "cache-control": `public, max-age=${KEPT_S}`, "x-content-type-options": "nosniff" },
  });
}

/** The file, from where the gateway says that it is. A bucket is told nothing that names this server to the gateway. */
async function read(url: string, signal: AbortSignal): Promise<Response> {
  const token = callerToken();
  const headers: Record<string, string> = token === undefined ? {} : { "x-caller-token": token };
  const answer = await fetch(url, { cache: "no-store", headers, redirect: "manual", signal });
  const location = answer.headers.get("location");
  if (answer.status !== 302 || location === null) return answer;
  return fetch(new URL(location, url), { cache: "no-store", redirect: "error", signal });
}

function refusal(status: number): Response {
  return new Response("There is no such picture.\n", { status, headers: { "cache-control": "no-store" } });
}
