// A path whose parameters are called like options of the client, as openapi-typescript writes it: the shop has none.

interface ScreenAnswer<Full, Compact> {
  headers: { [name: string]: unknown };
  content: { "application/json": Full | Compact; "application/x-ndjson": { part: string; data: unknown } };
}

export interface paths {
  /** With nothing left out of its compact view, of an upstream without a contract. */
  "/bff/shops/{query}/shelves/{shelf}": {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    get: {
      parameters: { query?: never; header?: never; path: { query: string; shelf: string }; cookie?: never };
      requestBody?: never;
      responses: { 200: ScreenAnswer<{ shelf: unknown; degraded: unknown[] }, { shelf: unknown; degraded: unknown[] }> };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
}
