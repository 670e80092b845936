// Where a browser goes after it has signed in.

/** A path of this app, whatever was asked for: an address elsewhere would lend our name to somebody else's page. */
export function safePath(wanted: string | null | undefined): string {
  // A backslash counts as a slash in browsers, and control characters do not count at all.
  if (!wanted?.startsWith("/") || /^\/[/\\]|[\u0000-\u001f]/.test(wanted)) return "/";
  // Back to the form itself would be a circle.
  return /^\/sign-(in|up)\b/.test(wanted) ? "/" : wanted;
}

/** The page to sign in, which leads back to `path`. */
export function signInPath(path: string, ended = false): string {
  const back = safePath(path);
  const query = [ended ? "ended" : "", back === "/" ? "" : `returnTo=${encodeURIComponent(back)}`].filter(Boolean).join("&");
  return query ? `/sign-in?${query}` : "/sign-in";
}
