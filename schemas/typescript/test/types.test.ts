// Checked by the compiler: nothing of this needs to run.

import { test } from "node:test";

import { createBrowserClient, type HomeFeed, type Line } from "../src/index.js";

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
    // @ts-expect-error a path that is not there
    await client.GET("/api/recipe");
    // @ts-expect-error a field that is not there
    await client.POST("/api/posts", { body: { txt: "x" } });
    // @ts-expect-error a parameter that is needed
    await client.GET("/api/recipes/{id}");
    // @ts-expect-error an id that is needed
    client.stream("/bff/recipes/{id}", {});
    const line = {} as Line<HomeFeed>;
    if (line.part === "profile") same<Same<typeof line.data, HomeFeed["profile"]>>();
  };
  void never;
});
