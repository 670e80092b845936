// Where there is an `XMLHttpRequest`, as in browsers, parts are sent by it: it tells how much has been sent.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { BffError, createBrowserClient } from "../src/index.js";
import { Gateway, json, problem } from "./gateway.js";
import type { ServerResponse } from "node:http";

/** Says what becomes of a part instead of being kept. */
type Broken = (response: ServerResponse) => boolean;

/** What `upload()` uses of one, over `fetch`. It tells the half before it sends anything. */
class Xhr {
  upload: { onprogress?: (event: { loaded: number }) => void } = {};
  onload?: () => void;
  onerror?: () => void;
  onabort?: () => void;
  onloadend?: () => void;
  status = 0;
  responseText = "";
  static asked: string[] = [];
  #request: [string, string] = ["", ""];
  #headers: Record<string, string> = {};
  #answer = new Headers();
  readonly #ended = new AbortController();

  open(method: string, url: string): void {
    this.#request = [method, url];
  }

  setRequestHeader(name: string, value: string): void {
    this.#headers[name] = value;
  }

  getResponseHeader(name: string): string | null {
    Xhr.asked.push(name);
    return this.#answer.get(name);
  }

  abort(): void {
    this.#ended.abort();
  }

  send(body: Blob): void {
    const [method, url] = this.#request;
    this.upload.onprogress?.({ loaded: body.size / 2 });
    const sent = fetch(url, { method, body, headers: this.#headers, signal: this.#ended.signal });
    void sent
      .then(async (response) => {
        this.status = response.status;
        this.#answer = response.headers;
        this.responseText = await response.text();
        this.onload?.();
      })
      .catch(() => (this.#ended.signal.aborted ? this.onabort?.() : this.onerror?.()))
      .finally(() => this.onloadend?.());
  }
}

const globals = globalThis as { XMLHttpRequest?: unknown };
before(() => (globals.XMLHttpRequest = Xhr));
after(() => delete globals.XMLHttpRequest);

const file = () => new File(["0123456789"], "digits.txt", { type: "text/plain", lastModified: 7 });

/** A gateway for one upload in one part, whose URL leads to `storage` where that is said. */
async function started(storage = ""): Promise<{ gateway: Gateway; puts: () => number; broken: (how: Broken) => void }> {
  let how: Broken = () => false;
  let puts = 0;
  let isThere = false;
  const part = { number: 1, url: `${storage}/part`, method: "PUT", headers: { "x-part": "1" }, from: 0, to: 10 };
  const missing = () => (isThere ? [] : [part]);
  const gateway = await Gateway.start((asked, response) => {
    if (asked.path === "/part") {
      puts += 1;
      if (how(response)) return;
      isThere = asked.body === "0123456789" && asked.headers["x-part"] === "1";
      return void response.writeHead(204).end();
    }
    if (asked.path === "/files/upload/presign") return json(response, 201, { key: "k", parts: missing(), expiresIn: 60 });
    if (asked.path === "/files/upload/k") return json(response, 200, { parts: [], committed: false, missing: missing() });
    if (asked.path === "/files/upload/commit" && isThere) return json(response, 201, { key: "k", url: "/files/k" });
    if (asked.path === "/auth/csrf-token") return json(response, 200, { csrf: "t" });
    if (asked.method === "DELETE") return void response.writeHead(204).end();
    problem(response, 404, "not_found");
  });
  return { gateway, puts: () => puts, broken: (next) => (how = next) };
}

test("what is told in the middle of a part is told on", async () => {
  const { gateway } = await started();
  const told: number[] = [];
  const client = createBrowserClient({ baseUrl: gateway.url });
  const done = await client.upload(file(), { onProgress: ({ sent }) => told.push(sent) });
  assert.equal(done.url, "/files/k");
  assert.deepEqual(told, [0, 5, 10]);
  await gateway.stop();
});

test("a part whose connection is lost goes back to its beginning, and again", async () => {
  const { gateway, broken, puts } = await started();
  broken((response) => puts() === 1 && response.socket?.destroy() !== undefined);
  const told: number[] = [];
  await createBrowserClient({ baseUrl: gateway.url }).upload(file(), { onProgress: ({ sent }) => told.push(sent) });
  assert.deepEqual(told, [0, 5, 0, 5, 10]);
  assert.equal(puts(), 2);
  await gateway.stop();
});

test("a refusal has its code, its words and its time to wait", async () => {
  const { gateway, broken, puts } = await started();
  broken((response) => {
    problem(response, 503, "overloaded", { "retry-after": "600" });
    return true;
  });
  await assert.rejects(createBrowserClient({ baseUrl: gateway.url }).upload(file()), (error) => {
    assert.ok(error instanceof BffError);
    assert.deepEqual([error.code, error.status, error.message, error.retryAfter], ["overloaded", 503, "said overloaded", 600]);
    return true;
  });
  assert.equal(puts(), 1);
  await gateway.stop();
});

test("a bucket elsewhere is not asked for headers that it does not show", async () => {
  const bucket = await Gateway.start((_, response) => void response.writeHead(507).end("<Error/>"));
  const { gateway } = await started(bucket.url);
  Xhr.asked = [];
  await assert.rejects(createBrowserClient({ baseUrl: gateway.url }).upload(file()), (error) => {
    return error instanceof BffError && error.status === 507 && error.code === "unexpected_answer";
  });
  assert.deepEqual(Xhr.asked, ["content-type"]);
  await gateway.stop();
  await bucket.stop();
});

test("cancelling ends the part that is on its way", async () => {
  const { gateway, broken, puts } = await started();
  const cancel = new AbortController();
  broken(() => {
    cancel.abort(new Error("enough"));
    return true;
  });
  const client = createBrowserClient({ baseUrl: gateway.url });
  await assert.rejects(client.upload(file(), { signal: cancel.signal }), { message: "enough" });
  assert.equal(puts(), 1);
  assert.equal(gateway.asked.filter(({ method }) => method === "DELETE").length, 1);
  await gateway.stop();
});
