// What many teams write themselves: a session map, three calls at once, one JSON answer.
import Fastify from "fastify";
import { Pool } from "undici";

const [upstream, users] = process.argv.slice(2);
const sessions = new Map();
for (let user = 0; user < Number(users); user += 1) sessions.set(`sid=session-${user}`, `user-${user}`);
const pool = new Pool(upstream, { connections: 64 });
const get = async (path) => (await pool.request({ method: "GET", path })).body.json();

const app = Fastify();
app.get("/bff/home-feed", async (request, reply) => {
  const user = sessions.get(request.headers.cookie);
  if (user === undefined) return reply.code(401).send();
  const [profile, posts, recipes] = await Promise.all([
    get(`/members/${user}`),
    get("/timeline?limit=20"),
    get("/recipes/for-me?limit=10"),
  ]);
  return { profile, posts: posts.items, recipes: recipes.items, nextCursor: posts.nextCursor };
});
const address = await app.listen({ host: "127.0.0.1", port: 0 });
console.log(`listening ${address.replace("http://", "http=")}`);
