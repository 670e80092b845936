import assert from "node:assert/strict";
import { test } from "node:test";

import { BffError, createBrowserClient, type UploadProgress, type UploadStorage } from "../src/index.js";
import { Gateway, json, problem, type Asked } from "./gateway.js";
import type { ServerResponse } from "node:http";

const PART = 4;
const TEXT = "one two three four";

/** A gateway with storage in it. `broken` says what becomes of a part instead of being kept. */
class Files {
  readonly parts = new Map<number, string>();
  readonly log: string[] = [];
  committed = false;
  signature = 1;
  broken: (number: number, response: ServerResponse) => boolean = () => false;

  answer = (asked: Asked, response: ServerResponse): void => {
    const [path = "", query = ""] = asked.path.split("?");
    this.log.push(`${asked.method} ${path}`);
    const part = /^\/files\/upload\/k\/parts\/(\d+)$/.exec(path);
    if (part) {
      const number = Number(part[1]);
      if (query !== `signature=${this.signature}`) return problem(response, 403, "invalid_signature");
      if (asked.headers["cookie"] ?? asked.headers["x-csrf-token"]) return problem(response, 400, "too_much_said");
      if (this.broken(number, response)) return;
      this.parts.set(number, asked.body);
      return void response.writeHead(204).end();
    }
    if (path === "/auth/csrf-token") return json(response, 200, { csrf: "t" });
    if (path === "/files/upload/presign") {
      this.parts.clear();
      return json(response, 201, { key: "k", parts: this.missing(), expiresIn: 60 });
    }
    if (path === "/files/upload/k") {
      const { committed } = this;
      return json(response, 200, { parts: [...this.parts.keys()], committed, missing: this.missing(), expiresIn: 60 });
    }
    if (path === "/files/upload/commit") {
      if (this.missing().length > 0) return problem(response, 409, "incomplete");
      this.committed = true;
      return json(response, 201, { key: "k", url: "/files/k", contentType: "text/plain", size: TEXT.length });
    }
    if (path === "/files/k" && asked.method === "DELETE") return void response.writeHead(204).end();
    problem(response, 404, "not_found");
  };

  missing() {
    const all = Array.from({ length: Math.ceil(TEXT.length / PART) }, (_, index) => index + 1);
    return all
      .filter((number) => !this.parts.has(number))
      .map((number) => ({
        number,
        url: `/files/upload/k/parts/${number}?signature=${this.signature}`,
        method: "PUT",
        headers: { "x-part": String(number) },
        from: (number - 1) * PART,
        to: Math.min(number * PART, TEXT.length),
      }));
  }

  content(): string {
    return [...this.parts].sort(([one], [other]) => one - other).map(([, text]) => text).join("");
  }

  count(what: string): number {
    return this.log.filter((line) => line.startsWith(what)).length;
  }
}

function file(): File {
  return new File([TEXT], "text.txt", { type: "text/plain", lastModified: 7 });
}

class Kept implements UploadStorage {
  readonly items = new Map<string, string>();
  getItem = (key: string) => this.items.get(key) ?? null;
  setItem = (key: string, value: string) => void this.items.set(key, value);
  removeItem = (key: string) => void this.items.delete(key);
}

async function started(): Promise<{ files: Files; gateway: Gateway; client: ReturnType<typeof createBrowserClient> }> {
  const files = new Files();
  const gateway = await Gateway.start(files.answer);
  return { files, gateway, client: createBrowserClient({ baseUrl: gateway.url }) };
}

test("a file goes in parts, its progress is told, and it is there once it is committed", async () => {
  const { files, gateway, client } = await started();
  const told: UploadProgress[] = [];
  const done = await client.upload(file(), { onProgress: (progress) => told.push(progress) });
  assert.equal(done.url, "/files/k");
  assert.equal(files.content(), TEXT);
  assert.deepEqual(told[0], { sent: 0, total: TEXT.length });
  assert.deepEqual(told.at(-1), { sent: TEXT.length, total: TEXT.length });
  assert.ok(told.every((progress, place) => place === 0 || progress.sent >= (told[place - 1]?.sent ?? 0)));
  const asked = gateway.asked.find((one) => one.path === "/files/upload/presign");
  assert.deepEqual(JSON.parse(asked?.body ?? ""), { name: "text.txt", contentType: "text/plain", size: TEXT.length });
  assert.equal(asked?.headers["x-csrf-token"], "t");
  await gateway.stop();
});

test("a part that is cut off, refused or too late signed goes again, alone and under a fresh URL", async () => {
  const { files, gateway, client } = await started();
  const times = new Map<number, number>();
  files.broken = (number, response) => {
    const before = times.get(number) ?? 0;
    times.set(number, before + 1);
    if (before > 0) return false;
    if (number === 2) response.socket?.destroy();
    else if (number === 3) response.writeHead(500).end();
    else return false;
    files.signature += 1;
    return true;
  };
  await client.upload(file());
  assert.equal(files.content(), TEXT);
  assert.equal(files.count("POST /files/upload/presign"), 1);
  await gateway.stop();
});

test("an upload that was left is gone on with, by another client as well, and one that is unknown begins anew", async () => {
  const { files, gateway, client } = await started();
  const storage = new Kept();
  files.broken = (number, response) => {
    if (number < 3) return false;
    // For good: the gateway itself says so, and no try is left to wait for.
    files.answer = problemFor(files.answer);
    response.writeHead(500).end();
    return true;
  };
  gateway.answers((asked, response) => files.answer(asked, response));
  await assert.rejects(client.upload(file(), { storage }), (error) => error instanceof BffError && error.status === 401);
  assert.equal(storage.items.size, 1, "it is remembered");
  const arrived = [...files.parts.keys()];
  assert.deepEqual(arrived.filter((number) => number < 3).length, 2);

  const again = new Files();
  for (const number of arrived) again.parts.set(number, files.parts.get(number) ?? "");
  gateway.answers(again.answer);
  const told: UploadProgress[] = [];
  const other = createBrowserClient({ baseUrl: gateway.url });
  await other.upload(file(), { storage, onProgress: (progress) => told.push(progress) });
  assert.equal(again.content(), TEXT);
  assert.equal(again.count("POST /files/upload/presign"), 0);
  assert.equal(again.count("PUT "), again.parts.size - arrived.length, "what is there is not sent again");
  assert.ok((told[0]?.sent ?? 0) > 0);
  assert.equal(storage.items.size, 0);

  storage.setItem("bff-upload:text.txt:18:7::", "swept");
  await other.upload(file(), { storage });
  assert.equal(again.count("GET /files/upload/swept"), 1);
  assert.equal(again.count("POST /files/upload/presign"), 1);
  await gateway.stop();
});

/** From now on the caller is signed out. */
function problemFor(before: Files["answer"]): Files["answer"] {
  return (asked, response) =>
    asked.path === "/files/upload/k" ? problem(response, 401, "unauthenticated") : before(asked, response);
}

test("a cancelled upload ends at once and is deleted", async () => {
  const { files, gateway, client } = await started();
  const cancel = new AbortController();
  const storage = new Kept();
  files.broken = (number) => {
    // It never answers this one.
    if (number === 1) cancel.abort(new Error("enough"));
    return number === 1;
  };
  await assert.rejects(client.upload(file(), { signal: cancel.signal, storage }), { message: "enough" });
  assert.equal(files.count("DELETE /files/k"), 1);
  assert.equal(files.count("POST /files/upload/commit"), 0);
  assert.equal(storage.items.size, 0);
  await assert.rejects(client.upload(file(), { signal: cancel.signal }), { message: "enough" });
  assert.equal(files.count("POST /files/upload/presign"), 1, "one that is cancelled before it begins asks nobody");
  await gateway.stop();
});

test("parts that were lost before the commit are sent again, and a refusal is told and forgotten", async () => {
  const { files, gateway, client } = await started();
  const storage = new Kept();
  let lost = false;
  gateway.answers((asked, response) => {
    if (asked.path === "/files/upload/commit" && !lost) {
      lost = true;
      files.parts.delete(2);
    }
    files.answer(asked, response);
  });
  await client.upload(file(), { storage });
  assert.equal(files.content(), TEXT);
  gateway.answers((asked, response) => {
    if (asked.path === "/files/upload/commit") return problem(response, 422, "type_mismatch");
    files.answer(asked, response);
  });
  await assert.rejects(client.upload(file(), { storage }), (error) => error instanceof BffError && error.code === "type_mismatch");
  assert.equal(storage.items.size, 0);
  await gateway.stop();
});

test("a part that is refused for good is told at once, with its code", async () => {
  const { files, gateway, client } = await started();
  files.broken = (number, response) => {
    if (number === 2) problem(response, 507, "storage_full");
    return number === 2;
  };
  const isFull = (error: unknown) => error instanceof BffError && error.status === 507 && error.code === "storage_full";
  await assert.rejects(client.upload(file()), isFull);
  assert.equal(files.count("PUT /files/upload/k/parts/2"), 1, "it is not sent again");
  await gateway.stop();
});

test("a part whose time has not come waits as long as it is told", async () => {
  const { files, gateway, client } = await started();
  let refusals = 0;
  files.broken = (number, response) => {
    if (number !== 3 || refusals > 0) return false;
    refusals += 1;
    response.setHeader("retry-after", "1");
    problem(response, 429, "rate_limited");
    return true;
  };
  const before = performance.now();
  await client.upload(file());
  const waited = performance.now() - before;
  // A timer may be a millisecond early.
  assert.ok(waited >= 990, `it waits as long as it is told: ${waited}`);
  assert.equal(files.content(), TEXT);
  await gateway.stop();
});

test("a signature that storage never takes is replaced twice, and then that is told", async () => {
  const { files, gateway, client } = await started();
  files.broken = (number, response) => {
    if (number === 1) problem(response, 403, "invalid_signature");
    return number === 1;
  };
  await assert.rejects(client.upload(file()), (error) => error instanceof BffError && error.code === "invalid_signature");
  assert.equal(files.count("PUT /files/upload/k/parts/1"), 3);
  await gateway.stop();
});

test("a commit whose answer is lost is asked for again, and one that is refused is not", async () => {
  const { files, gateway, client } = await started();
  let commits = 0;
  gateway.answers((asked, response) => {
    if (asked.path === "/files/upload/commit") {
      commits += 1;
      if (commits === 1) return void response.socket?.destroy();
      if (commits === 2) return problem(response, 503, "storage_unavailable");
    }
    files.answer(asked, response);
  });
  const done = await client.upload(file());
  assert.deepEqual([done.key, commits], ["k", 3]);
  gateway.answers((asked, response) => {
    if (asked.path !== "/files/upload/commit") return files.answer(asked, response);
    commits += 1;
    problem(response, 422, "size_mismatch");
  });
  await assert.rejects(client.upload(file()), (error) => error instanceof BffError && error.code === "size_mismatch");
  assert.equal(commits, 4);
  await gateway.stop();
});

for (const [status, code] of [[507, "storage_full"], [413, "body_too_large"], [402, "unpaid"], [451, "unlawful"]] as const) {
  test(`a part that is refused with ${status} is sent once`, async () => {
    const { files, gateway, client } = await started();
    files.broken = (number, response) => {
      if (number === 5) problem(response, status, code);
      return number === 5;
    };
    const isTold = (error: unknown) => {
      return error instanceof BffError && error.status === status && error.code === code && error.message === `said ${code}`;
    };
    await assert.rejects(client.upload(file()), isTold);
    assert.equal(files.count("PUT /files/upload/k/parts/5"), 1);
    await gateway.stop();
  });
}

test("who is to wait for longer than an upload may take is told so at once", async () => {
  const { files, gateway, client } = await started();
  const storage = new Kept();
  files.broken = (_, response) => {
    problem(response, 503, "overloaded", { "retry-after": "3600" });
    return true;
  };
  await assert.rejects(client.upload(file(), { storage }), (error) => error instanceof BffError && error.retryAfter === 3600);
  assert.ok([1, 2, 3, 4, 5].every((number) => files.count(`PUT /files/upload/k/parts/${number}`) <= 1), files.log.join());
  assert.equal(storage.items.size, 1, "it is gone on with later");
  await gateway.stop();
});

test("an upload that is swept while it is gone on with begins anew, and one that was just begun does not", async () => {
  for (const status of [404, 410]) {
    const { files, gateway, client } = await started();
    const storage = new Kept();
    storage.setItem("bff-upload:text.txt:18:7::", "k");
    files.parts.set(1, TEXT.slice(0, PART));
    let sweeps = 0;
    gateway.answers((asked, response) => {
      // Its parts are taken, and then there is nothing to commit.
      if (asked.path === "/files/upload/commit" && sweeps++ === 0) return problem(response, status, "gone");
      files.answer(asked, response);
    });
    const done = await client.upload(file(), { storage });
    assert.equal(done.url, "/files/k");
    assert.equal(files.count("POST /files/upload/presign"), 1);
    assert.equal(files.count("PUT /files/upload/k/parts/1"), 1, "all of it is sent");
    assert.equal(storage.items.size, 0);

    gateway.answers((asked, response) => {
      if (asked.path === "/files/upload/commit") return problem(response, status, "gone");
      files.answer(asked, response);
    });
    await assert.rejects(client.upload(file(), { storage }), (error) => error instanceof BffError && error.status === status);
    assert.equal(files.count("POST /files/upload/presign"), 2);
    await gateway.stop();
  }
});

test("a gateway that is asked too often is asked again in a while", async () => {
  const { files, gateway, client } = await started();
  const storage = new Kept();
  storage.setItem("bff-upload:text.txt:18:7::", "k");
  const refused = new Set<string>();
  gateway.answers((asked, response) => {
    const path = asked.path.split("?")[0] ?? "";
    const isOnce = ["/files/upload/k", "/files/upload/commit"].includes(path) && !refused.has(path);
    if (!isOnce) return files.answer(asked, response);
    refused.add(path);
    problem(response, 429, "rate_limited");
  });
  assert.equal((await client.upload(file(), { storage })).key, "k");
  assert.equal(refused.size, 2);
  assert.equal(files.count("POST /files/upload/presign"), 0, "it was gone on with");
  await gateway.stop();
});
