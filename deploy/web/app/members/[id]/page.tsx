import type { MemberPage } from "bff-client";
import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { cache } from "react";

import { Avatar } from "@/components/avatar";
import { FollowButton } from "@/components/follow-button";
import { Missing } from "@/components/part";
import { PostCard } from "@/components/post-card";
import { RecipeGrid } from "@/components/recipe-grid";
import { forEverybody, gateway, session } from "@/lib/gateway";
import { voice, words } from "@/lib/language";

type Props = { params: Promise<{ id: string }> };

const load = cache(async (id: string): Promise<MemberPage | undefined> => {
  const read = async (bff: Awaited<ReturnType<typeof gateway>>) =>
    bff.screen("/bff/members/{id}", { id });
  const { data, response } = (await session())
    ? await read(await gateway())
    : await forEverybody([`member:${id}`, `posts:${id}`, "recipes"], read);
  if (response.status === 404) notFound();
  return data;
});

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const page = await load((await params).id).catch(() => undefined);
  return { title: page?.profile.displayName ?? (await words()).app };
}

export default async function Member({ params }: Props) {
  const { id } = await params;
  const [page, me, heard] = await Promise.all([load(id), session(), voice()]);
  const { say } = heard;
  if (!page) return <Missing voice={heard} />;
  const { profile, posts, recipes, following } = page;
  return (
    <>
      <header className="member">
        <Avatar member={profile} large />
        <div>
          <h1>{profile.displayName}</h1>
          <p className="faint">@{profile.username}</p>
          {profile.bio ? <p>{profile.bio}</p> : null}
        </div>
        {me && me.id !== id && following !== null ? <FollowButton member={id} following={following} /> : null}
      </header>
      <div className="columns">
        <section aria-labelledby="posts">
          <h2 id="posts">{say.posts}</h2>
          {posts === null ? <Missing voice={heard} /> : null}
          {posts?.length === 0 ? <p className="calm">{say.noPostsOfMember}</p> : null}
          {posts && posts.length > 0 ? (
            <ol className="posts" data-testid="posts">
              {posts.map((post) => (
                <li key={post.id}>
                  <PostCard post={post} mine={me === undefined || me.id === id} voice={heard} />
                </li>
              ))}
            </ol>
          ) : null}
        </section>
        <aside aria-labelledby="recipes">
          <h2 id="recipes">{say.recipes}</h2>
          {recipes ? <RecipeGrid recipes={recipes} narrow voice={heard} /> : <Missing voice={heard} />}
        </aside>
      </div>
    </>
  );
}
