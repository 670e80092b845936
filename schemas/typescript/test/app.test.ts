import assert from "node:assert/strict";
import { test } from "node:test";

import { createAppClient, MemoryStorage, type Tokens } from "../src/index.js";
import { Gateway, json, problem } from "./gateway.js";

const HOUR = 3_600_000;

function storage(expiresAt: number): MemoryStorage {
  const kept = new MemoryStorage();
  kept.set({ accessToken: "a-1", refreshToken: "r-1", expiresAt });
  return kept;
}

function pair(number: number) {
  return { access_token: `a-${number}`, token_type: "Bearer", expires_in: 900, refresh_token: `r-${number}` };
}

test("calls at the same time refresh once, and all go on with the new token", async () => {
  const gateway = await Gateway.start((asked, response) => {
    if (asked.path === "/auth/refresh") return json(response, 200, pair(2));
    if (asked.headers.authorization !== "Bearer a-2") return problem(response, 401, "invalid_token");
    json(response, 200, { id: "ada" });
  });
  for (const expiresAt of [Date.now() - 1, Date.now() + HOUR]) {
    const client = createAppClient({ baseUrl: gateway.url, storage: storage(expiresAt) });
    const before = gateway.count("/auth/refresh");
    const answers = await Promise.all(Array.from({ length: 20 }, () => client.GET("/api/me")));
    assert.ok(answers.every((answer) => answer.response.status === 200));
    assert.equal(gateway.count("/auth/refresh") - before, 1);
  }
  await gateway.stop();
});

test("an answer that was lost is asked for again with the same token", async () => {
  let tries = 0;
  const gateway = await Gateway.start((asked, response) => {
    if (asked.path !== "/auth/refresh") return json(response, 200, { id: "ada" });
    tries += 1;
    assert.equal(JSON.parse(asked.body).refresh_token, "r-1");
    if (tries === 1) return void response.destroy();
    json(response, 200, pair(2));
  });
  const kept = storage(Date.now() - 1);
  const client = createAppClient({ baseUrl: gateway.url, storage: kept });
  assert.equal((await client.GET("/api/me")).response.status, 200);
  assert.equal(tries, 2);
  assert.equal(kept.get()?.refreshToken, "r-2");
  await gateway.stop();
});

test("without a network nobody is signed out", async () => {
  const kept = storage(Date.now() - 1);
  let ends = 0;
  const away = () => Promise.reject(new TypeError("no network"));
  const client = createAppClient({ baseUrl: "http://127.0.0.1:9", storage: kept, fetch: away, onSignedOut: () => ends++ });
  await assert.rejects(client.GET("/api/me"));
  assert.deepEqual([kept.get()?.refreshToken, ends], ["r-1", 0]);
});

test("a refused refresh token ends the sign-in, once", async () => {
  const gateway = await Gateway.start((asked, response) =>
    problem(response, 401, asked.path === "/auth/refresh" ? "invalid_grant" : "invalid_token"),
  );
  const kept = storage(Date.now() + HOUR);
  let ends = 0;
  const client = createAppClient({ baseUrl: gateway.url, storage: kept, onSignedOut: () => ends++ });
  const answers = await Promise.all([client.GET("/api/me"), client.GET("/api/me")]);
  assert.deepEqual(answers.map((answer) => answer.response.status), [401, 401]);
  assert.equal(kept.get(), undefined);
  assert.equal(ends, 1);
  await gateway.stop();
});

test("tokens are stored before a sign-in is over, and a sign-out takes them away and tells the gateway", async () => {
  const gateway = await Gateway.start((asked, response) => {
    if (asked.path === "/auth/token") return json(response, 200, pair(7));
    response.writeHead(204).end();
  });
  const kept = new MemoryStorage();
  const client = createAppClient({ baseUrl: gateway.url, storage: kept });
  const tokens: Tokens = await client.signIn({ login: "ada", password: "x" });
  assert.equal(kept.get()?.accessToken, tokens.accessToken);
  await client.signOut();
  assert.equal(kept.get(), undefined);
  assert.equal(JSON.parse(gateway.asked.at(-1)?.body ?? "{}").refresh_token, "r-7");
  await gateway.stop();
});

test("an answer that still holds is not sent again", async () => {
  const gateway = await Gateway.start((asked, response) => {
    if (asked.headers["if-none-match"] === '"v1"') return void response.writeHead(304, { etag: '"v1"', age: "3" }).end();
    json(response, 200, { id: "ada" }, { etag: '"v1"', age: "0" });
  });
  const client = createAppClient({ baseUrl: gateway.url, storage: storage(Date.now() + HOUR) });
  const first = await client.GET("/api/me");
  const second = await client.GET("/api/me");
  assert.deepEqual([first.data?.id, second.data?.id], ["ada", "ada"]);
  assert.deepEqual([second.response.status, second.response.headers.get("age")], [200, "3"]);
  await gateway.stop();
});
