// The client with another contract than the recipe book's.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  createAppClient,
  createBrowserClient,
  createServerClient,
  MemoryStorage,
  unwrap,
  type components,
  type Degraded,
  type Line,
  type LiveMessage,
  type ScreenDocument,
  type ScreenPath,
} from "../src/index.js";
import { Gateway, json } from "./gateway.js";
import type { paths as OddPaths } from "./odd-contract.js";
// Made by `npm run generate:shop` of what `bff openapi` prints of a second product, tests/shop.
import type { components as ShopComponents, paths as ShopPaths } from "./shop-contract.js";

interface paths extends ShopPaths, OddPaths {}
type OrderPage = ShopComponents["schemas"]["OrderDocument"];
type OrderPageCompact = ShopComponents["schemas"]["OrderDocumentCompact"];

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<T extends true>(): T | undefined {
  return undefined;
}

test("screens, streams and calls are typed by the contract that is named", () => {
  const options = { baseUrl: "http://127.0.0.1:9", fetch: () => Promise.reject(new TypeError()) };
  const never = async () => {
    type Screens = "/bff/orders" | "/bff/orders/{id}" | "/bff/items/{id}" | "/bff/shops/{query}/shelves/{shelf}";
    same<Same<ScreenPath<paths>, Screens>>();
    same<Same<ScreenDocument<paths, "/bff/orders/{id}">, OrderPage>>();
    same<Same<ScreenDocument<paths, "/bff/orders/{id}", "compact">, OrderPageCompact>>();

    const bff = createBrowserClient<paths>(options);
    const whole = await unwrap(bff.screen("/bff/orders/{id}", { id: "o", query: { limit: 5 } }));
    same<Same<typeof whole, OrderPage>>();
    const small = await unwrap(bff.screen("/bff/orders/{id}", { id: "o", view: "compact" }));
    same<Same<typeof small, OrderPageCompact>>();
    // @ts-expect-error what the compact view leaves out
    small.order.createdAt;
    // What a chain of joins brings, and what it leaves out there.
    same<Same<NonNullable<NonNullable<(typeof whole.lines)[number]["item"]>["supplier"]>["name"], string>>();
    // @ts-expect-error what the compact view leaves out
    small.lines[0]?.item?.description;
    // Without anything left out, both views are one.
    const item = await unwrap(bff.screen("/bff/items/{id}", { id: "i", view: "compact" }));
    same<Same<typeof item, ShopComponents["schemas"]["ItemDocument"]>>();
    for await (const line of bff.stream("/bff/orders/{id}", { id: "o" })) {
      same<Same<typeof line, Line<OrderPage>>>();
      if (line.part === "lines") same<Same<typeof line.data, OrderPage["lines"]>>();
      // @ts-expect-error a part that there is not
      if (line.part === "posts") return;
    }
    const placed = await unwrap(bff.POST("/api/orders", { body: { lines: [{ itemId: 1, count: 2 }] } }));
    same<Same<typeof placed.state, "open" | "done" | "cancelled">>();
    bff.screen("/bff/shops/{query}/shelves/{shelf}", { shelf: "s", path: { query: "q" } });

    // @ts-expect-error the recipe book's screen
    bff.screen("/bff/home-feed");
    // @ts-expect-error a path that is no screen
    bff.screen("/api/orders");
    // @ts-expect-error an id that is needed
    bff.screen("/bff/orders/{id}");
    // @ts-expect-error an id that is needed
    bff.stream("/bff/orders/{id}", { query: { limit: 1 } });
    // @ts-expect-error a parameter that there is not
    bff.screen("/bff/orders/{id}", { id: "o", query: { size: 5 } });
    // @ts-expect-error a parameter of another type
    bff.screen("/bff/orders/{id}", { id: "o", query: { limit: "5" } });
    // @ts-expect-error a view that there is not
    bff.screen("/bff/orders/{id}", { id: "o", view: "tiny" });
    // @ts-expect-error a parameter that is called like an option has its place under `path`
    bff.screen("/bff/shops/{query}/shelves/{shelf}", { shelf: "s" });
    // @ts-expect-error a field that is needed
    bff.POST("/api/orders", { body: { note: "x" } });
    // @ts-expect-error a call that there is not
    bff.GET("/api/orders");

    const onServer = createServerClient<paths>(options).forRequest({});
    same<Same<typeof onServer, typeof bff>>();
    const inApp = createAppClient<paths>({ ...options, storage: new MemoryStorage() });
    const again = await unwrap(inApp.screen("/bff/orders/{id}", { id: "o" }));
    same<Same<typeof again, OrderPage>>();
  };
  void never;
});

test("what every gateway says is typed here as the contract has it", () => {
  type Shapes = components["schemas"];
  same<Same<LiveMessage extends Shapes["LiveMessage"] ? true : false, true>>();
  same<Same<Shapes["LiveMessage"] extends LiveMessage ? true : false, true>>();
  same<Same<Degraded extends Shapes["DegradedPart"] ? true : false, true>>();
  same<Same<Shapes["DegradedPart"] extends Degraded ? true : false, true>>();
});

test("every parameter of a path goes to its place, whatever it is called", async () => {
  const gateway = await Gateway.start((_, response) => json(response, 200, { shelf: null, degraded: [] }));
  const bff = createServerClient<paths>({ baseUrl: gateway.url }).forRequest({});
  await unwrap(bff.screen("/bff/shops/{query}/shelves/{shelf}", { shelf: "a/b", path: { query: "?" }, view: "compact" }));
  await unwrap(bff.screen("/bff/orders/{id}", { id: "o 1", query: { limit: 5 } }));
  assert.deepEqual(
    gateway.asked.map(({ path }) => path),
    ["/bff/shops/%3F/shelves/a%2Fb?view=compact", "/bff/orders/o%201?limit=5"],
  );
  await gateway.stop();
});
