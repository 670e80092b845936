import { NextResponse, type NextRequest } from "next/server";

import { LANGUAGES } from "@/lib/words";

/** Remembers the language and goes back to where the browser was. */
export function GET(request: NextRequest): NextResponse {
  const wanted = LANGUAGES.find((language) => language === request.nextUrl.searchParams.get("to"));
  const response = new NextResponse(null, { status: 303, headers: { location: back(request) } });
  if (wanted) response.cookies.set("language", wanted, { path: "/", maxAge: 31_536_000, sameSite: "lax" });
  return response;
}

/** A path of our own, whatever the header says. */
function back(request: NextRequest): string {
  try {
    const from = new URL(request.headers.get("referer") ?? "");
    return from.host === request.headers.get("host") ? `${from.pathname}${from.search}` : "/";
  } catch {
    return "/";
  }
}
