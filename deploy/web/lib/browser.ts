// The browser's client of the gateway. One for each page.

import { createBrowserClient, type BffClient } from "bff-client";

let client: BffClient | undefined;

export function bff(): BffClient {
  client ??= createBrowserClient({
    baseUrl: "",
    // Another tab or device has ended the session: what is on the page is no longer this user's to change.
    onSignedOut: () => window.location.assign("/sign-in?ended"),
  });
  return client;
}
