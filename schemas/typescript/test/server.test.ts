import assert from "node:assert/strict";
import { test } from "node:test";

import { createServerClient, unwrap } from "../src/index.js";
import { Gateway, json, problem } from "./gateway.js";

test("each request bears its own browser's cookie, trace and address, and the server's own name", async () => {
  const gateway = await Gateway.start((_, response) => json(response, 200, { id: "x" }));
  const server = createServerClient({ baseUrl: gateway.url, callerToken: "secret" });
  const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const ada = server.forRequest({ cookie: "sid=ada", traceparent: trace, clientAddress: "203.0.113.7" });
  const nobody = server.forRequest({ cookie: null });
  await Promise.all([ada.GET("/api/me"), nobody.GET("/api/me")]);
  const [first, second] = [...gateway.asked].sort((a) => (a.headers.cookie ? -1 : 1));
  assert.equal(first?.headers.cookie, "sid=ada");
  assert.equal(first?.headers.traceparent, trace);
  assert.equal(first?.headers["x-forwarded-for"], "203.0.113.7");
  assert.equal(first?.headers["x-caller-token"], "secret");
  assert.equal(second?.headers.cookie, undefined);
  assert.equal(second?.headers["x-caller-token"], "secret");
  await gateway.stop();
});

test("a screen is asked for by its path, its id and its view", async () => {
  const gateway = await Gateway.start((asked, response) =>
    asked.path.startsWith("/bff/me") ? problem(response, 401, "unauthenticated") : json(response, 200, { degraded: [] }),
  );
  const bff = createServerClient({ baseUrl: gateway.url }).forRequest({ cookie: "sid=ada" });
  const headers = { "cache-control": "max-age=0" };
  const { data } = await bff.screen("/bff/recipes/{id}", { id: "a b", view: "compact", query: { limit: 3 }, headers });
  assert.deepEqual(data, { degraded: [] });
  const [asked] = gateway.asked;
  assert.equal(asked?.path, "/bff/recipes/a%20b?limit=3&view=compact");
  assert.equal(asked?.headers["cache-control"], "max-age=0");
  assert.equal(asked?.headers.cookie, "sid=ada");
  assert.equal(asked?.headers.accept, "application/json, application/problem+json");
  await assert.rejects(unwrap(bff.screen("/bff/me")), { name: "BffError", code: "unauthenticated", status: 401 });
  gateway.answers((_, response) => void response.writeHead(200, { "content-type": "application/json" }).end('{"cut'));
  await assert.rejects(bff.screen("/bff/home-feed"), SyntaxError);
  await gateway.stop();
});
