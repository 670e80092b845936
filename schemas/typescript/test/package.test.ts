// What is published: small, and at home wherever there is `fetch`.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";

const folder = new URL("../../", import.meta.url);

test("the package needs openapi-fetch and nothing else, on every platform", async () => {
  const manifest = JSON.parse(await readFile(new URL("package.json", folder), "utf8"));
  assert.deepEqual(Object.keys(manifest.dependencies), ["openapi-fetch"]);
  assert.deepEqual(manifest.files, ["dist", "README.md"]);
  assert.equal(manifest.type, "module");
  const built = (await readdir(new URL("out/src/", folder))).filter((name) => name.endsWith(".js"));
  assert.ok(built.includes("index.js"));
  for (const name of built) {
    const text = await readFile(new URL(`out/src/${name}`, folder), "utf8");
    const wanted = [...text.matchAll(/^(?:import|export)[^"']*from ["']([^"']+)["']/gm)].map((match) => match[1] ?? "");
    for (const from of wanted) assert.match(from, /^(\.\/[a-z]+\.js|openapi-fetch)$/, name);
    // What only one platform has would break the others. A comment may name it.
    assert.doesNotMatch(text.replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, ""), /\b(process\.|Buffer\.|require\(|window\.|document\.|localStorage|new EventSource)/, name);
  }
});
