// The service behind the gateway, in plain Node: `node service.mjs`. Put your own in its place, in any language.
//
// Calls bear `Authorization: Bearer` with a token that the gateway signs (its keys: GET /.well-known/jwks.json); `sub` is the
// user. This one trusts whoever reaches it: a service that holds secrets verifies the token first.

import { createServer } from "node:http";

const items = [
  { id: "lamp", name: "Desk lamp", price: 4900, makerId: "lumen" },
  { id: "chair", name: "Folding chair", price: 8900, makerId: "norra" },
  { id: "mug", name: "Enamel mug", price: 1200, makerId: null },
];
const makers = [
  { id: "lumen", name: "Lumen", country: "KR" },
  { id: "norra", name: "Norra", country: "SE" },
];
const news = [
  { title: "The folding chair is back", at: "2026-11-20T09:00:00Z" },
  { title: "We have opened", at: "2026-11-02T09:00:00Z" },
];
const ada = { id: "ada", username: "ada", displayName: "Ada" };

/** Status and body of an answer. */
function answer(call, query, body) {
  if (call === "GET /items") return [200, { items: items.slice(0, Number(query.get("limit") ?? 10)) }];
  if (call === "GET /news") return [200, { items: news }];
  if (call === "GET /makers") {
    const ids = query.get("ids")?.split(",") ?? [];
    return [200, { items: makers.filter((maker) => ids.includes(maker.id)) }];
  }
  if (call === "POST /items") {
    items.unshift({ id: `item-${items.length + 1}`, ...body, makerId: null });
    return [201, items[0]];
  }
  if (call === "POST /members/verify") {
    const known = body.login === "ada" && body.password === "welcome-to-the-shop";
    return known ? [200, ada] : [401, { type: "about:blank", status: 401, code: "bad_credentials" }];
  }
  const item = items.find(({ id }) => call === `GET /items/${id}`);
  return item ? [200, item] : [404, { type: "about:blank", status: 404, code: "not_found" }];
}

const server = createServer(async (request, response) => {
  let text = "";
  for await (const chunk of request) text += chunk;
  const { pathname, searchParams } = new URL(request.url, "http://service");
  const body = text ? JSON.parse(text) : undefined;
  const [status, said] = answer(`${request.method} ${pathname}`, searchParams, body);
  response.writeHead(status, { "content-type": status < 400 ? "application/json" : "application/problem+json" });
  response.end(JSON.stringify(said));
});

server.listen(Number(process.env.PORT ?? 9301), "127.0.0.1", () => {
  console.log(`the service listens on http://127.0.0.1:${server.address().port}`);
});
