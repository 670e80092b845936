import assert from "node:assert/strict";
import { test } from "node:test";

import { BffError, createBrowserClient } from "../src/index.js";
import { events } from "../src/live.js";
import { lines } from "../src/lines.js";
import { Gateway, problem } from "./gateway.js";

function body(...chunks: string[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    start(controller) {
      chunks.forEach((chunk) => controller.enqueue(encoder.encode(chunk)));
      controller.close();
    },
  });
}

async function all<T>(from: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of from) found.push(item);
  return found;
}

test("an event stream is read wherever it is cut into pieces", async () => {
  const text = ": hello\n\nid: 1-1\ndata: {\"a\":1}\n\ndata: two\ndata: lines\n\n";
  for (let at = 0; at <= text.length; at += 1) {
    assert.deepEqual(await all(events(body(text.slice(0, at), text.slice(at)))), ['{"a":1}', "two\nlines"], String(at));
  }
});

test("lines are read wherever they are cut, and a cut-off answer is an error", async () => {
  const text = '{"part":"profile","data":{"name":"밥"}}\n{"part":"end","degraded":[]}\n';
  for (let at = 0; at <= text.length; at += 1) {
    assert.equal((await all(lines(body(text.slice(0, at), text.slice(at))))).length, 2);
  }
  await assert.rejects(all(lines(body('{"part":"profile","da'))), /cut off/);
});

test("a screen that cannot be finished gives what there is, and says why it ends", async () => {
  const gateway = await Gateway.start((_, response) => {
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    response.end('{"part":"profile","data":{"id":"ada"}}\n{"part":"end","error":"upstream_timeout"}\n');
  });
  const client = createBrowserClient({ baseUrl: gateway.url });
  const parts: string[] = [];
  await assert.rejects(
    async () => {
      for await (const line of client.stream("/bff/home-feed")) parts.push(line.part);
    },
    (error) => error instanceof BffError && error.code === "upstream_timeout",
  );
  assert.deepEqual(parts, ["profile"]);
  await gateway.stop();
});

test("a lost connection is made again and resumes after the last message", async () => {
  let connections = 0;
  const gateway = await Gateway.start((_, response) => {
    connections += 1;
    response.writeHead(200, { "content-type": "text/event-stream" });
    const message = { id: `9-${connections}`, type: "post.created", topic: "user:ada", data: null };
    response.write(`id: ${message.id}\ndata: ${JSON.stringify(message)}\n\n`, () => response.destroy());
  });
  const client = createBrowserClient({ baseUrl: gateway.url });
  const seen: (string | undefined)[] = [];
  for await (const message of client.notify({ topics: ["recipe:r"] })) {
    seen.push(message.id);
    if (seen.length === 3) break;
  }
  assert.deepEqual(seen, ["9-1", "9-2", "9-3"]);
  const asked = gateway.asked.map((request) => new URL(request.path, gateway.url).searchParams);
  assert.deepEqual(asked.slice(0, 3).map((query) => query.get("lastEventId")), [null, "9-1", "9-2"]);
  assert.equal(asked[0]?.get("topics"), "recipe:r");
  await gateway.stop();
});

test("whoever is not signed in is not let in, however often they ask", async () => {
  const gateway = await Gateway.start((_, response) => problem(response, 401, "unauthenticated"));
  const client = createBrowserClient({ baseUrl: gateway.url });
  await assert.rejects(all(client.notify()), (error) => error instanceof BffError && error.code === "unauthenticated");
  assert.equal(gateway.asked.length, 1);
  await gateway.stop();
});

test("a subscription ends with its signal, also while it waits for its next try", async () => {
  const gateway = await Gateway.start((_, response) => void response.destroy());
  const client = createBrowserClient({ baseUrl: gateway.url });
  const stop = new AbortController();
  const lost = new Promise<void>((resolve) => {
    const messages = client.notify({ signal: stop.signal, onState: (state) => state === "lost" && resolve() });
    void all(messages).then((found) => assert.deepEqual(found, []));
  });
  await lost;
  stop.abort();
  await gateway.stop();
});
