import type { RecipePage } from "bff-client";
import type { Metadata } from "next";
import { To } from "@/components/to";
import { notFound } from "next/navigation";
import { cache } from "react";

import { CommentForm } from "@/components/comment-form";
import { CostTable } from "@/components/cost-table";
import { LikeButton } from "@/components/like-button";
import { Missing } from "@/components/part";
import { everybodys, gateway, session } from "@/lib/gateway";
import { language, words } from "@/lib/language";
import { money, when } from "@/lib/money";

type Props = { params: Promise<{ id: string }> };

/** The page's document: the caller's own, or everybody's, which is kept until the recipe changes. */
const load = cache(async (id: string): Promise<RecipePage | undefined> => {
  const client = (await session()) ? await gateway() : everybodys(`recipe:${id}`);
  const { data, response } = await client.GET("/bff/recipes/{id}", { params: { path: { id } } });
  if (response.status === 404) notFound();
  return data as RecipePage | undefined;
});

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const page = await load((await params).id).catch(() => undefined);
  return { title: page?.recipe.title ?? (await words()).recipes };
}

export default async function Recipe({ params }: Props) {
  const { id } = await params;
  const [page, me, say, lang] = await Promise.all([load(id), session(), words(), language()]);
  if (!page) return <Missing />;
  const { recipe, comments } = page;
  const mine = me !== undefined && me.id === recipe.authorId;
  return (
    <article className="recipe">
      <header>
        <h1>{recipe.title}</h1>
        <p className="faint">
          {say.by}{" "}
          {recipe.author ? <To href={`/members/${recipe.author.id}`}>{recipe.author.displayName}</To> : say.somebody} ·{" "}
          <time dateTime={recipe.createdAt}>{when(recipe.createdAt, lang)}</time>
        </p>
        <p className="price large" data-testid="per-serving">
          {money(recipe.costPerServing, recipe.currency, lang)} <small>{say.perServing}</small>
        </p>
        {me ? (
          <LikeButton kind="recipes" id={id} count={recipe.likeCount} liked={recipe.likedByMe} disabled={mine} />
        ) : (
          <p className="faint">♥ {recipe.likeCount}</p>
        )}
        {mine ? (
          <To className="button quiet" href={`/recipes/${id}/edit`}>
            {say.edit}
          </To>
        ) : null}
      </header>
      <CostTable recipe={recipe} />
      <section aria-labelledby="method">
        <h2 id="method">{say.method}</h2>
        <p className="prose">{recipe.body}</p>
      </section>
      <section aria-labelledby="comments">
        <h2 id="comments">{say.comments}</h2>
        {comments ? (
          <ol className="comments" data-testid="comments">
            {comments.map((comment) => (
              <li key={comment.id} className="card">
                <strong>{comment.author?.displayName ?? say.somebody}</strong>{" "}
                <time className="faint" dateTime={comment.createdAt}>
                  {when(comment.createdAt, lang)}
                </time>
                <p>{comment.body}</p>
                {me ? (
                  <LikeButton kind="comments" id={comment.id} count={comment.likeCount} liked={comment.likedByMe} />
                ) : null}
              </li>
            ))}
          </ol>
        ) : (
          <Missing />
        )}
        {comments?.length === 0 ? <p className="calm">{say.noComments}</p> : null}
        {me ? <CommentForm recipe={id} /> : null}
      </section>
    </article>
  );
}

