import { To } from "@/components/to";
import { Suspense } from "react";

import { Missing, Skeleton } from "@/components/part";
import { PostCard } from "@/components/post-card";
import { RecipeGrid } from "@/components/recipe-grid";
import { openFeed, type Feed } from "@/lib/feed";
import { everybodys, gateway, session } from "@/lib/gateway";
import { language, words } from "@/lib/language";

export default async function Home({ searchParams }: { searchParams: Promise<{ cursor?: string }> }) {
  const [me, say, { cursor }] = await Promise.all([session(), words(), searchParams]);
  if (!me) return <Visitors />;
  const feed = openFeed(await gateway(), cursor);
  return (
    <div className="columns">
      <section aria-labelledby="posts">
        <h1 id="posts">{say.posts}</h1>
        <Suspense fallback={<Skeleton lines={6} />}>
          <Posts feed={feed} me={me.id} />
        </Suspense>
      </section>
      <aside aria-labelledby="for-you">
        <h2 id="for-you">{say.recipesForYou}</h2>
        <Suspense fallback={<Skeleton lines={4} />}>
          <ForYou feed={feed} />
        </Suspense>
      </aside>
    </div>
  );
}

async function Posts({ feed, me }: { feed: Feed; me: string }) {
  const [posts, next, degraded, say, lang] = await Promise.all([
    feed.posts,
    feed.nextCursor,
    feed.degraded,
    words(),
    language(),
  ]);
  if (!posts) return <Missing />;
  if (posts.length === 0) return <p className="calm">{say.noPosts}</p>;
  return (
    <>
      {degraded.has("posts") ? <p className="calm">{say.partOld}</p> : null}
      <ol className="posts" data-testid="posts">
        {posts.map((post) => (
          <li key={post.id}>
            <PostCard post={post} lang={lang} mine={post.author?.id === me} />
          </li>
        ))}
      </ol>
      {next ? (
        <To className="button quiet" href={`/?cursor=${encodeURIComponent(next)}`}>
          {say.older}
        </To>
      ) : null}
    </>
  );
}

async function ForYou({ feed }: { feed: Feed }) {
  const recipes = await feed.recipes;
  return recipes ? <RecipeGrid recipes={recipes} narrow /> : <Missing />;
}

async function Visitors() {
  const say = await words();
  return (
    <>
      <section className="hero">
        <h1>{say.tagline}</h1>
        <p>
          <To className="button" href="/sign-up">
            {say.signUp}
          </To>
        </p>
      </section>
      <section aria-labelledby="popular">
        <h2 id="popular">{say.popular}</h2>
        <Suspense fallback={<Skeleton lines={4} />}>
          <Popular />
        </Suspense>
      </section>
    </>
  );
}

async function Popular() {
  const { data } = await everybodys("recipes:lists")
    .GET("/api/recipes", { params: { query: { sort: "popular", pageSize: 12 } } })
    .catch(() => ({ data: undefined }));
  return data ? <RecipeGrid recipes={data.items} /> : <Missing />;
}
