import type { RecipeCard } from "bff-client";
import { Suspense } from "react";

import { Avatar } from "@/components/avatar";
import { Missing, Part } from "@/components/part";
import { PostCard } from "@/components/post-card";
import { RecipeGrid } from "@/components/recipe-grid";
import { To } from "@/components/to";
import { openFeed, partsWithin, within, type Feed } from "@/lib/feed";
import { forEverybody, gateway, session } from "@/lib/gateway";
import { voice, type Voice } from "@/lib/language";

/** What is there by then goes out with the top of the page. More would be felt; less would have a placeholder flash up
 * before every feed that the gateway has ready. */
const GRACE_MS = 80;

export default async function Home({ searchParams }: { searchParams: Promise<{ cursor?: string; left?: string }> }) {
  const [me, heard, { cursor, left }] = await Promise.all([session(), voice(), searchParams]);
  if (!me) return <Visitors left={left !== undefined} voice={heard} />;
  const feed = openFeed(await gateway(), cursor);
  const there = await partsWithin(feed, GRACE_MS);
  return (
    <div className="columns home">
      <div className="me">
        <Part there={there.has("profile")} lines={1}>
          <Me feed={feed} voice={heard} />
        </Part>
      </div>
      <section aria-label={heard.say.posts}>
        <Part there={there.has("posts") && there.has("nextCursor")} lines={5}>
          <Posts feed={feed} me={me.id} voice={heard} />
        </Part>
      </section>
      <aside aria-label={heard.say.recipesForYou}>
        <Part there={there.has("recipes")} lines={3}>
          <ForYou feed={feed} voice={heard} />
        </Part>
      </aside>
    </div>
  );
}

async function Me({ feed, voice: heard }: { feed: Feed; voice: Voice }) {
  const [profile, { say }] = [await feed.profile, heard];
  if (!profile) return <Missing voice={heard} />;
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

async function Posts({ feed, me, voice: heard }: { feed: Feed; me: string; voice: Voice }) {
  const [posts, next] = await Promise.all([feed.posts, feed.nextCursor]);
  const { say } = heard;
  return (
    <>
      <h2>{say.posts}</h2>
      {posts ? (
        <Suspense>
          <Old feed={feed} part="posts" voice={heard} />
        </Suspense>
      ) : (
        <Missing voice={heard} />
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
              <PostCard post={post} mine={post.author?.id === me} voice={heard} />
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

async function ForYou({ feed, voice: heard }: { feed: Feed; voice: Voice }) {
  const recipes = await feed.recipes;
  return (
    <>
      <h2>{heard.say.recipesForYou}</h2>
      {recipes ? <RecipeGrid recipes={recipes} narrow voice={heard} /> : <Missing voice={heard} />}
    </>
  );
}

/** Known only when everything else is there: nothing waits for it. */
async function Old({ feed, part, voice: { say } }: { feed: Feed; part: string; voice: Voice }) {
  return (await feed.degraded).has(part) ? <p className="calm">{say.partOld}</p> : null;
}

async function Visitors({ left, voice: heard }: { left: boolean; voice: Voice }) {
  const { say } = heard;
  const popular = loadPopular();
  const there = await within(popular, GRACE_MS);
  return (
    <>
      {left ? (
        <p className="calm" role="status" data-testid="left">
          {say.account.gone}
        </p>
      ) : null}
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
          <Popular load={popular} voice={heard} />
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

async function Popular({ load, voice: heard }: { load: ReturnType<typeof loadPopular>; voice: Voice }) {
  const recipes = await load;
  return recipes ? <RecipeGrid recipes={recipes} voice={heard} /> : <Missing voice={heard} />;
}
