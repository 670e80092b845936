import type { FeedPost } from "bff-client";
import { To } from "@/components/to";

import { language as chosen, words } from "@/lib/language";
import { money, when } from "@/lib/money";

import { LikeButton } from "./like-button";

export async function PostCard({ post, lang, mine }: { post: FeedPost; lang: string; mine: boolean }) {
  const say = await words();
  const { author, recipe } = post;
  return (
    <article className="card" data-testid="post" lang={(await chosen()) === lang ? undefined : lang}>
      <header>
        {author ? <To href={`/members/${author.id}`}>{author.displayName}</To> : <span>{say.somebody}</span>}
        <time className="faint" dateTime={post.createdAt}>
          {when(post.createdAt, lang)}
        </time>
      </header>
      <p>{post.text}</p>
      {recipe ? (
        <p className="attached">
          <To href={`/recipes/${recipe.id}`}>{recipe.title}</To>{" "}
          <span className="price">
            {money(recipe.costPerServing, recipe.currency, lang)} <small>{say.perServing}</small>
          </span>
        </p>
      ) : null}
      <LikeButton kind="posts" id={post.id} count={post.likeCount} liked={post.likedByMe} disabled={mine} />
    </article>
  );
}
