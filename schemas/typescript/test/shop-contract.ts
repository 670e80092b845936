// The contract of a second product (tests/shop), as far as the type test needs it, in the shape in which openapi-typescript
// writes one.

type Json<T> = { headers: { [name: string]: unknown }; content: { "application/json": T } };
type Problem = { headers: { [name: string]: unknown }; content: { "application/problem+json": { code: string; status: number } } };

interface Line {
  itemId: number;
  count: number;
  item: { id: number; name: string; description: string; price: number } | null;
  /** Schemas may contain themselves. */
  instead?: Line[];
}

interface OrderPage {
  order: { id: string; state: "open" | "done" | "cancelled"; createdAt: string };
  lines: Line[];
  nextCursor: string | null;
  degraded: { part: string; status: string; reason: string }[];
}

interface OrderPageCompact {
  order: { id: string; state: "open" | "done" | "cancelled" };
  lines: { itemId: number; count: number; item: { id: number; name: string; price: number } | null }[];
  nextCursor: string | null;
  degraded: { part: string; status: string; reason: string }[];
}

interface ScreenAnswer<Full, Compact> {
  headers: { [name: string]: unknown };
  content: { "application/json": Full | Compact; "application/x-ndjson": { part: string; data: unknown } };
}

export interface paths {
  "/bff/orders/{id}": {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    get: {
      parameters: {
        query?: { view?: "full" | "compact"; limit?: number; cursor?: string };
        header?: { "If-None-Match"?: string };
        path: { id: string };
        cookie?: never;
      };
      requestBody?: never;
      responses: { 200: ScreenAnswer<OrderPage, OrderPageCompact>; 404: Problem };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
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
  "/api/orders": {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    get?: never;
    put?: never;
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never };
      requestBody: { content: { "application/json": { note?: string; lines: { itemId: number; count: number }[] } } };
      responses: { 201: Json<OrderPage["order"]>; 422: Problem };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
}

export type { OrderPage, OrderPageCompact };
