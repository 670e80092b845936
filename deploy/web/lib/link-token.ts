"use client";

// The token of a mailed link. It stands in the fragment, which no server and no `Referer` gets to see.

import { useEffect, useState } from "react";

/** The token, once it is known; `null` where the address has none. It is taken out of the address bar and the history, and is
 * kept nowhere but here: whoever loads the page again opens the link again. */
export function useLinkToken(): string | null | undefined {
  const [token, setToken] = useState<string | null>();
  useEffect(() => {
    const read = () => {
      const found = new URLSearchParams(window.location.hash.slice(1)).get("token");
      if (found) window.history.replaceState(null, "", window.location.pathname + window.location.search);
      setToken((known) => found || known || null);
    };
    read();
    // Another link, opened in the same tab.
    window.addEventListener("hashchange", read);
    return () => window.removeEventListener("hashchange", read);
  }, []);
  return token;
}
