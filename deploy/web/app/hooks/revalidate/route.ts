import { createHash, timingSafeEqual } from "node:crypto";

import { revalidateTag } from "next/cache";
import type { NextRequest } from "next/server";

import { revalidateSecret } from "@/lib/settings";

/** The gateway's webhook (`events.revalidate_url`): `{"tags": […]}` of what changed, with a bearer token. */
export async function POST(request: NextRequest): Promise<Response> {
  const secret = revalidateSecret();
  const given = request.headers.get("authorization") ?? "";
  if (secret === undefined || !same(given, `Bearer ${secret}`)) return new Response(null, { status: 401 });
  const body = (await request.json().catch(() => undefined)) as { tags?: unknown } | undefined;
  const tags = Array.isArray(body?.tags) ? body.tags.filter((tag): tag is string => typeof tag === "string") : undefined;
  if (!tags || tags.length > 100) return new Response(null, { status: 422 });
  // At once: who reads next must not get what was there before.
  for (const tag of tags) revalidateTag(tag, { expire: 0 });
  return new Response(null, { status: 204 });
}

function same(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
