// What the operator sets, read when it is needed: one build serves everywhere.

/** Where the gateway is, from this server. */
export function gatewayUrl(): string {
  return process.env.BFF_URL ?? "http://127.0.0.1:8080";
}

/** The origin of the bucket to which browsers send files; nothing where the gateway keeps them in a folder. */
export function filesOrigin(): string | undefined {
  return process.env.BFF_FILES_ORIGIN || undefined;
}

/** Names this server to the gateway (`X-Caller-Token`). */
export function callerToken(): string | undefined {
  return process.env.BFF_CALLER_TOKEN || undefined;
}

/** The bearer token of the gateway's revalidation webhook; without one the hook is closed. */
export function revalidateSecret(): string | undefined {
  return process.env.BFF_REVALIDATE_SECRET || undefined;
}
