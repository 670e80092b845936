// In front of every page: what belongs to the gateway goes there, and pages get a Content-Security-Policy with a nonce.
// In production the reverse proxy sends the gateway's paths to it directly; this does the same where there is none.

import { NextResponse, type NextRequest } from "next/server";

import { filesOrigin, gatewayUrl } from "@/lib/settings";

const GATEWAY = /^\/(api|auth|bff|files|docs)(\/|$)|^\/(openapi\.json|config\.js)$/;

export function proxy(request: NextRequest): NextResponse {
  const { pathname, search } = request.nextUrl;
  if (GATEWAY.test(pathname)) return NextResponse.rewrite(new URL(`${pathname}${search}`, gatewayUrl()));

  const nonce = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64");
  const policy = contentSecurityPolicy(nonce);
  const headers = new Headers(request.headers);
  // Next.js finds the nonce in the request's policy and puts it on its own scripts.
  headers.set("content-security-policy", policy);
  headers.set("x-nonce", nonce);
  const response = NextResponse.next({ request: { headers } });
  response.headers.set("content-security-policy", policy);
  response.headers.set("x-content-type-options", "nosniff");
  response.headers.set("referrer-policy", "same-origin");
  response.headers.set("cross-origin-opener-policy", "same-origin");
  return response;
}

function contentSecurityPolicy(nonce: string): string {
  // Development builds evaluate code for fast refresh, and their overlay brings styles along.
  const development = process.env.NODE_ENV === "development";
  const [evaluated, styled] = development ? [" 'unsafe-eval'", " 'unsafe-inline'"] : ["", ""];
  return [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'${evaluated}`,
    `style-src 'self'${styled}`,
    "img-src 'self' data: blob: https:",
    // Parts of files go to a bucket directly, where that is what keeps them.
    ["connect-src 'self'", filesOrigin()].filter(Boolean).join(" "),
    "font-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}

export const config = { matcher: ["/((?!_next/static|_next/image|favicon.ico).*)"] };
