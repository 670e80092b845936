// Checked by the compiler: nothing of this needs to run.

import { test } from "node:test";

import { createBrowserClient, type HomeFeed, type Line, type RecipePageCompact, unwrap } from "../src/index.js";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<T extends true>(): T | undefined {
  return undefined;
}

test("what is typed is what the contract says", () => {
  const client = createBrowserClient({ baseUrl: "http://127.0.0.1:9", fetch: () => Promise.reject(new TypeError()) });
  const never = async () => {
    const { data } = await client.GET("/api/recipes/{id}", { params: { path: { id: "r" } } });
    same<Same<typeof data extends { totalCost: number } | undefined ? true : false, true>>();
    const feed = {} as HomeFeed;
    same<Same<HomeFeed["nextCursor"], string | null>>();
    same<Same<typeof feed.profile.bio, string | null>>();
    const whole = await unwrap(client.screen("/bff/home-feed", { query: { limit: 5 } }));
    same<Same<typeof whole, HomeFeed>>();
    const small = await unwrap(client.screen("/bff/recipes/{id}", { id: "r", view: "compact" }));
    same<Same<typeof small, RecipePageCompact>>();
    const refused = await client.GET("/api/me");
    if (refused.error) same<Same<typeof refused.error.code extends string ? true : false, true>>();
    // @ts-expect-error an id that is needed
    client.screen("/bff/members/{id}");
    // @ts-expect-error a path that is not there
    await client.GET("/api/recipe");
    // @ts-expect-error a field that is not there
    await client.POST("/api/posts", { body: { txt: "x" } });
    // @ts-expect-error a parameter that is needed
    await client.GET("/api/recipes/{id}");
    // @ts-expect-error an id that is needed
    client.stream("/bff/recipes/{id}");
    const line = {} as Line<HomeFeed>;
    if (line.part === "profile") same<Same<typeof line.data, HomeFeed["profile"]>>();
  };
  void never;
});
