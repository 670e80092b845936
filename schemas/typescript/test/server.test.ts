import assert from "node:assert/strict";
import { test } from "node:test";

import { createServerClient } from "../src/index.js";
import { Gateway, json } from "./gateway.js";

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
