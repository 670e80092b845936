import type { RecipePage } from "bff-client";
import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { cache } from "react";

import { Avatar } from "@/components/avatar";
import { CommentForm } from "@/components/comment-form";
import { CommentList } from "@/components/comment-list";
import { CostTable } from "@/components/cost-table";
import { LikeButton } from "@/components/like-button";
import { Missing } from "@/components/part";
import { Dish } from "@/components/recipe-grid";
import { Time } from "@/components/time";
import { To } from "@/components/to";
import { forEverybody, gateway, session } from "@/lib/gateway";
import { voice, words } from "@/lib/language";
import { money } from "@/lib/money";
import { signInPath } from "@/lib/return-to";

type Props = { params: Promise<{ id: string }> };

/** The page's document: the caller's own, or everybody's, which is kept until the recipe changes. */
const load = cache(async (id: string): Promise<RecipePage | undefined> => {
  const read = async (bff: Awaited<ReturnType<typeof gateway>>) =>
    bff.screen("/bff/recipes/{id}", { id });
  const { data, response } = (await session())
    ? await read(await gateway())
    : await forEverybody([`recipe:${id}`], read);
  if (response.status === 404) notFound();
  return data;
});

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const page = await load((await params).id).catch(() => undefined);
  return { title: page?.recipe.title ?? (await words()).recipes };
}

export default async function Recipe({ params }: Props) {
  const { id } = await params;
  const [page, me, heard] = await Promise.all([load(id), session(), voice()]);
  const { say, lang } = heard;
  if (!page) return <Missing voice={heard} />;
  const { recipe, comments } = page;
  const mine = me !== undefined && me.id === recipe.authorId;
  return (
    <article className="recipe">
      <header className="title">
        <Dish id={id} photo={recipe.photoUrl} large />
        <div>
          <h1>{recipe.title}</h1>
          <p className="who">
            <Avatar member={recipe.author} />
            {recipe.author ? <To href={`/members/${recipe.author.id}`}>{recipe.author.displayName}</To> : say.somebody}
            <Time of={recipe.createdAt} voice={heard} />
          </p>
          <p className="price large" data-testid="per-serving">
            {money(recipe.costPerServing, recipe.currency, lang)} <small>{say.perServing}</small>
          </p>
          <div className="buttons">
            {me ? (
              <LikeButton kind="recipes" id={id} count={recipe.likeCount} liked={recipe.likedByMe} disabled={mine} />
            ) : (
              <p className="faint">
                <span aria-hidden="true">♥</span> <span className="unseen">{say.likes}</span> {recipe.likeCount}
              </p>
            )}
            {mine ? (
              <To className="button quiet" href={`/recipes/${id}/edit`}>
                {say.edit}
              </To>
            ) : null}
          </div>
        </div>
      </header>
      <div className="columns even">
        <section aria-labelledby="method">
          <h2 id="method">{say.method}</h2>
          <p className="prose">{recipe.body}</p>
        </section>
        <CostTable recipe={recipe} voice={heard} />
      </div>
      <section aria-labelledby="comments" className="talk">
        <h2 id="comments" tabIndex={-1}>
          {say.comments}
        </h2>
        {comments ? <CommentList comments={comments} me={me?.id} voice={heard} /> : <Missing voice={heard} />}
        {me ? (
          <CommentForm recipe={id} />
        ) : (
          <To className="button quiet" href={signInPath(`/recipes/${id}`)}>
            {say.signInToComment}
          </To>
        )}
      </section>
    </article>
  );
}
