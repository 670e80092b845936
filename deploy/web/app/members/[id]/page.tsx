import type { MemberPage } from "bff-client";
import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { cache } from "react";

import { FollowButton } from "@/components/follow-button";
import { Missing } from "@/components/part";
import { PostCard } from "@/components/post-card";
import { RecipeGrid } from "@/components/recipe-grid";
import { everybodys, gateway, session } from "@/lib/gateway";
import { language, words } from "@/lib/language";

type Props = { params: Promise<{ id: string }> };

const load = cache(async (id: string): Promise<MemberPage | undefined> => {
  const client = (await session()) ? await gateway() : everybodys(`member:${id}`);
  const { data, response } = await client.GET("/bff/members/{id}", { params: { path: { id } } });
  if (response.status === 404) notFound();
  return data as MemberPage | undefined;
});

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const page = await load((await params).id).catch(() => undefined);
  return { title: page?.profile.displayName ?? (await words()).app };
}

export default async function Member({ params }: Props) {
  const { id } = await params;
  const [page, me, say, lang] = await Promise.all([load(id), session(), words(), language()]);
  if (!page) return <Missing />;
  const { profile, posts, recipes, following } = page;
  return (
    <>
      <header className="hero small">
        <h1>{profile.displayName}</h1>
        <p className="faint">@{profile.username}</p>
        {profile.bio ? <p>{profile.bio}</p> : null}
        {me && me.id !== id && following !== null ? <FollowButton member={id} following={following} /> : null}
      </header>
      <div className="columns">
        <section aria-labelledby="posts">
          <h2 id="posts">{say.posts}</h2>
          {posts ? (
            <ol className="posts" data-testid="posts">
              {posts.map((post) => (
                <li key={post.id}>
                  <PostCard post={post} lang={lang} mine={me === undefined || me.id === id} />
                </li>
              ))}
            </ol>
          ) : (
            <Missing />
          )}
        </section>
        <aside aria-labelledby="recipes">
          <h2 id="recipes">{say.recipes}</h2>
          {recipes ? <RecipeGrid recipes={recipes} narrow /> : <Missing />}
        </aside>
      </div>
    </>
  );
}
