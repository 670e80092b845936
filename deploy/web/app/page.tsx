import type { RecipeCard } from "bff-client";
import { Suspense } from "react";

import { Avatar } from "@/components/avatar";
import { Missing, Part } from "@/components/part";
import { PostCard } from "@/components/post-card";
import { RecipeGrid } from "@/components/recipe-grid";
import { To } from "@/components/to";
import { openFeed, partsWithin, within, type Feed } from "@/lib/feed";
import { forEverybody, gateway, session } from "@/lib/gateway";
import { words } from "@/lib/language";

/** What is there by then goes out with the top of the page. More would be felt; less would have a placeholder flash up
 * before every feed that the gateway has ready. */
const GRACE_MS = 80;

export default async function Home({ searchParams }: { searchParams: Promise<{ cursor?: string }> }) {
  const [me, { cursor }] = await Promise.all([session(), searchParams]);
  if (!me) return <Visitors />;
  const feed = openFeed(await gateway(), cursor);
  const there = await partsWithin(feed, GRACE_MS);
  return (
    <div className="columns home">
      <div className="me">
        <Part there={there.has("profile")} lines={1}>
          <Me feed={feed} />
        </Part>
      </div>
      <section aria-label={(await words()).posts}>
        <Part there={there.has("posts") && there.has("nextCursor")} lines={5}>
          <Posts feed={feed} me={me.id} />
        </Part>
      </section>
      <aside aria-label={(await words()).recipesForYou}>
        <Part there={there.has("recipes")} lines={3}>
          <ForYou feed={feed} />
        </Part>
      </aside>
    </div>
  );
}

async function Me({ feed }: { feed: Feed }) {
  const [profile, say] = await Promise.all([feed.profile, words()]);
  if (!profile) return <Missing />;
  return (
    <div className="who" data-testid="profile">
      <Avatar member={profile} large />
      <div>
        <h1>{say.hello(profile.displayName)}</h1>
        <To href={`/members/${profile.id}`}>{say.myPage}</To>
      </div>
    </div>
  );
}

async function Posts({ feed, me }: { feed: Feed; me: string }) {
  const [posts, next, say] = await Promise.all([feed.posts, feed.nextCursor, words()]);
  return (
    <>
      <h2>{say.posts}</h2>
      {posts ? (
        <Suspense>
          <Old feed={feed} part="posts" />
        </Suspense>
      ) : (
        <Missing />
      )}
      {posts?.length === 0 ? (
        <div className="empty">
          <p>
            <strong>{say.noPosts}</strong>
          </p>
          <p className="faint">{say.noPostsHint}</p>
          <To className="button" href="/recipes/new">
            {say.newRecipe}
          </To>
        </div>
      ) : null}
      {posts && posts.length > 0 ? (
        <ol className="posts" data-testid="posts">
          {posts.map((post) => (
            <li key={post.id}>
              <PostCard post={post} mine={post.author?.id === me} />
            </li>
          ))}
        </ol>
      ) : null}
      {next ? (
        <To className="button quiet" href={`/?cursor=${encodeURIComponent(next)}`}>
          {say.older}
        </To>
      ) : null}
    </>
  );
}

async function ForYou({ feed }: { feed: Feed }) {
  const [recipes, say] = await Promise.all([feed.recipes, words()]);
  return (
    <>
      <h2>{say.recipesForYou}</h2>
      {recipes ? <RecipeGrid recipes={recipes} narrow /> : <Missing />}
    </>
  );
}

/** Known only when everything else is there: nothing waits for it. */
async function Old({ feed, part }: { feed: Feed; part: string }) {
  const [degraded, say] = await Promise.all([feed.degraded, words()]);
  return degraded.has(part) ? <p className="calm">{say.partOld}</p> : null;
}

async function Visitors() {
  const say = await words();
  const popular = loadPopular();
  const there = await within(popular, GRACE_MS);
  return (
    <>
      <section className="hero">
        <h1>{say.tagline}</h1>
        <p>{say.pitch}</p>
        <p className="buttons">
          <To className="button" href="/sign-up">
            {say.signUp}
          </To>
          <To className="button quiet" href="/sign-in">
            {say.signIn}
          </To>
        </p>
      </section>
      <section aria-labelledby="popular">
        <h2 id="popular">{say.popular}</h2>
        <Part there={there} lines={4}>
          <Popular load={popular} />
        </Part>
      </section>
    </>
  );
}

async function loadPopular(): Promise<readonly RecipeCard[] | undefined> {
  const query = { sort: "popular", pageSize: 12 } as const;
  try {
    return (await forEverybody(["recipes"], (bff) => bff.GET("/api/recipes", { params: { query } }))).data?.items;
  } catch {
    return undefined;
  }
}

async function Popular({ load }: { load: ReturnType<typeof loadPopular> }) {
  const recipes = await load;
  return recipes ? <RecipeGrid recipes={recipes} /> : <Missing />;
}
