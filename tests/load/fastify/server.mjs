// A backend for a front-end as it is mostly written: a session map, three calls at once, their answers read as JSON, and
// one object for an answer. `node server.mjs UPSTREAM USERS`
import Fastify from "fastify";
import { Pool } from "undici";

const [upstream, users] = process.argv.slice(2);
const sessions = new Map(Array.from({ length: Number(users) }, (_, user) => [`sid=lean-${user}`, `member-${user}`]));
const pool = new Pool(`http://${upstream}`, { connections: 64 });

async function get(path) {
  const answer = await pool.request({ path, method: "GET", headers: { authorization: "Bearer lean" } });
  if (answer.statusCode !== 200) throw new Error(`${path}: ${answer.statusCode}`);
  return answer.body.json();
}

const app = Fastify({ logger: false });
app.get("/bff/home-feed", async (request, reply) => {
  const user = sessions.get(request.headers.cookie);
  if (user === undefined) return reply.code(401).send({ title: "no session" });
  const [profile, posts, recipes] = await Promise.all([
    get(`/members/${user}`),
    get("/timeline?limit=20&whole=1"),
    get("/recipes/for-me?limit=10&whole=1"),
  ]);
  return { profile, posts, recipes };
});
await app.listen({ host: "127.0.0.1", port: 0 });
console.log(`listening http=127.0.0.1:${app.server.address().port}`);
