"use client";

// The token of a mailed link. It stands behind the `#`, which browsers send to nobody, and is taken out of the address bar at
// once: it is a key, and neither history nor a shared screen is a place for one.

import { useEffect, useState } from "react";

/** The token; empty where there is none. Nothing until the page has looked. */
export function useLinkToken(): string | undefined {
  const [token, setToken] = useState<string>();
  useEffect(() => {
    const look = () => {
      const { hash, pathname, search } = window.location;
      const found = new URLSearchParams(hash.slice(1)).get("token") ?? "";
      if (found !== "") window.history.replaceState(window.history.state, "", `${pathname}${search}`);
      // Looking twice finds nothing the second time.
      setToken((before) => found || before || "");
    };
    look();
    // Another link, opened where this one was: the page is not loaded anew for it.
    window.addEventListener("hashchange", look);
    return () => window.removeEventListener("hashchange", look);
  }, []);
  return token;
}
