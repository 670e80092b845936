import type { FeedPost } from "bff-client";

import { To } from "@/components/to";
import type { Voice } from "@/lib/language";
import { money } from "@/lib/money";

import { Avatar, hueOf } from "./avatar";
import { LikeButton } from "./like-button";
import { Picture } from "./picture";
import { Time } from "./time";

/** `mine`: shown to its author, or to nobody in particular, who cannot like it. */
export function PostCard({ post, mine, voice }: { post: FeedPost; mine: boolean; voice: Voice }) {
  const { say, lang } = voice;
  const { author, recipe } = post;
  return (
    <article className="card post" data-testid="post">
      <header className="who">
        <Avatar member={author} />
        {author ? <To href={`/members/${author.id}`}>{author.displayName}</To> : <span>{say.somebody}</span>}
        <Time of={post.createdAt} voice={voice} />
      </header>
      {/* A post that only announces its recipe need not say its name twice. */}
      {recipe && post.text === recipe.title ? null : <p>{post.text}</p>}
      {recipe ? (
        <To className={recipe.photoUrl ? "attached pictured" : "attached"} href={`/recipes/${recipe.id}`}>
          <Picture src={recipe.photoUrl} look="wide" width={704} height={396} sizes="(min-width: 56rem) 44rem, 100vw">
            <span className={`dish hue-${hueOf(recipe.id)}`} aria-hidden="true" />
          </Picture>
          <strong>{recipe.title}</strong>
          <span className="price">
            {money(recipe.costPerServing, recipe.currency, lang)} <small>{say.perServing}</small>
          </span>
        </To>
      ) : null}
      <LikeButton kind="posts" id={post.id} count={post.likeCount} liked={post.likedByMe} disabled={mine} />
    </article>
  );
}
