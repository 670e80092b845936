import assert from "node:assert/strict";
import { test } from "node:test";

import { BffError, createBrowserClient, unwrap, type BffClient } from "../src/index.js";
import { Gateway, json, problem } from "./gateway.js";

test("an unsafe call bears the session's token, which is fetched once for all calls at the same time", async () => {
  const gateway = await Gateway.start((asked, response) => {
    if (asked.path === "/auth/csrf-token") return json(response, 200, { csrf: "t-1" });
    response.writeHead(asked.headers["x-csrf-token"] === "t-1" ? 204 : 403).end();
  });
  const client = createBrowserClient({ baseUrl: gateway.url });
  const like = (id: string) => client.PUT("/api/posts/{id}/like", { params: { path: { id } } });
  const answers = await Promise.all(["a", "b", "c"].map(like));
  assert.deepEqual(answers.map((answer) => answer.response.status), [204, 204, 204]);
  assert.equal(gateway.count("/auth/csrf-token"), 1);
  await gateway.stop();
});

test("a token that is no longer good is renewed once, and the call is made again with its body", async () => {
  let current = "t-1";
  const gateway = await Gateway.start((asked, response) => {
    if (asked.path === "/auth/csrf-token") return json(response, 200, { csrf: current });
    if (asked.headers["x-csrf-token"] !== current) return problem(response, 403, "csrf_failed");
    json(response, 201, { echoed: asked.body });
  });
  const client = createBrowserClient({ baseUrl: gateway.url });
  await client.POST("/api/posts", { body: { text: "one" } });
  current = "t-2";
  const { data, response } = await client.POST("/api/posts", { body: { text: "two" } });
  assert.equal(response.status, 201);
  assert.deepEqual(data as unknown, { echoed: '{"text":"two"}' });
  current = "t-3";
  gateway.answers((asked, answer) => {
    if (asked.path === "/auth/csrf-token") return json(answer, 200, { csrf: "t-3" });
    problem(answer, 403, "csrf_failed");
  });
  const refused = await client.POST("/api/posts", { body: { text: "three" } });
  assert.equal(refused.response.status, 403, "and not again and again");
  assert.equal(gateway.count("/api/posts"), 5);
  await gateway.stop();
});

test("who comes with a mailed link asks for no token unless they are signed in, or it turns out that they are", async () => {
  let signedIn = false;
  const gateway = await Gateway.start((asked, response) => {
    if (asked.path === "/auth/csrf-token") return json(response, 200, { csrf: "t-1" });
    if (signedIn && asked.headers["x-csrf-token"] !== "t-1") return problem(response, 403, "csrf_failed");
    response.writeHead(204).end();
  });
  const confirm = async (client: BffClient) => {
    const { response } = await client.POST("/auth/email/confirm", { body: { token: "from-a-mail" } });
    return [response.status, gateway.count("/auth/csrf-token"), gateway.count("/auth/email/confirm")];
  };
  assert.deepEqual(await confirm(createBrowserClient({ baseUrl: gateway.url })), [204, 0, 1]);
  signedIn = true;
  const client = createBrowserClient({ baseUrl: gateway.url });
  assert.deepEqual(await confirm(client), [204, 1, 3], "refused once, and made again with the token");
  assert.deepEqual(await confirm(client), [204, 1, 4], "which is known from then on");
  assert.deepEqual(await confirm(createBrowserClient({ baseUrl: gateway.url, signedIn: true })), [204, 2, 5]);
  await gateway.stop();
});

test("the token of a sign-in is used without asking for it, and nobody's session needs none", async () => {
  const gateway = await Gateway.start((asked, response) => {
    if (asked.path === "/auth/csrf-token") return problem(response, 401, "unauthenticated");
    if (asked.path === "/auth/login") return json(response, 200, { csrfToken: "t-9", user: {}, expiresAt: "" });
    response.writeHead(asked.headers["x-csrf-token"] === "t-9" ? 204 : 403).end();
  });
  const client = createBrowserClient({ baseUrl: gateway.url });
  // Untyped on purpose: paths under /auth are called like all others.
  const post = client.POST as unknown as (path: string, init: { body: unknown }) => Promise<{ response: Response }>;
  assert.equal((await post("/auth/login", { body: { login: "ada", password: "x" } })).response.status, 200);
  const before = gateway.count("/auth/csrf-token");
  const { response } = await client.DELETE("/api/posts/{id}", { params: { path: { id: "p" } } });
  assert.equal(response.status, 204);
  assert.equal(gateway.count("/auth/csrf-token"), before);
  await gateway.stop();
});

test("the end of a session is told once, and a visitor who never had one is told nothing", async () => {
  let signedIn = false;
  const gateway = await Gateway.start((_, response) => {
    if (signedIn) return json(response, 200, { items: [] });
    problem(response, 401, "unauthenticated");
  });
  let ends = 0;
  const client = createBrowserClient({ baseUrl: gateway.url, onSignedOut: () => ends++ });
  await client.GET("/api/me");
  assert.equal(ends, 0);
  signedIn = true;
  await client.GET("/api/me");
  signedIn = false;
  await Promise.all([client.GET("/api/me"), client.GET("/api/me")]);
  assert.equal(ends, 1);
  await gateway.stop();
});

test("a page that was made for somebody signed in learns of the end with its first call", async () => {
  const gateway = await Gateway.start((_, response) => problem(response, 401, "unauthenticated"));
  let ends = 0;
  const client = createBrowserClient({ baseUrl: gateway.url, signedIn: true, onSignedOut: () => ends++ });
  const { response } = await client.POST("/api/posts", { body: { text: "typed for an hour" } });
  assert.deepEqual([response.status, ends], [401, 1]);
  await gateway.stop();
});

test("a session that gets a new id brings its new token along", async () => {
  const gateway = await Gateway.start((asked, response) => {
    if (asked.path === "/auth/csrf-token") return json(response, 200, { csrf: "t-old" });
    if (asked.path === "/auth/2fa/totp") return void response.writeHead(204, { "x-csrf-token": "t-new" }).end();
    response.writeHead(asked.headers["x-csrf-token"] === "t-new" ? 204 : 403).end();
  });
  const client = createBrowserClient({ baseUrl: gateway.url });
  await client.DELETE("/auth/2fa/totp", { body: { code: "123456" } });
  const { response } = await client.DELETE("/api/posts/{id}", { params: { path: { id: "p" } } });
  assert.equal(response.status, 204);
  assert.equal(gateway.count("/auth/csrf-token"), 1);
  await gateway.stop();
});

test("unwrap gives the data or throws what programs decide by", async () => {
  const gateway = await Gateway.start((_, response) => problem(response, 429, "rate_limited", { "retry-after": "7" }));
  const client = createBrowserClient({ baseUrl: gateway.url });
  await assert.rejects(unwrap(client.GET("/api/me")), (error: unknown) => {
    assert.ok(error instanceof BffError);
    assert.deepEqual([error.code, error.status, error.retryAfter, error.requestId], ["rate_limited", 429, 7, "r-1"]);
    return true;
  });
  await gateway.stop();
});
