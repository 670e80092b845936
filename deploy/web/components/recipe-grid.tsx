import type { RecipeCard } from "bff-client";

import { To } from "@/components/to";
import type { Voice } from "@/lib/language";
import { money } from "@/lib/money";

import { hueOf } from "./avatar";
import { Bubble } from "./icon";
import { Picture } from "./picture";

interface Props {
  recipes: readonly RecipeCard[];
  narrow?: boolean;
  voice: Voice;
}

export function RecipeGrid({ recipes, narrow = false, voice: { say, lang } }: Props) {
  if (recipes.length === 0) return <p className="calm">{say.noRecipes}</p>;
  return (
    <ul className={narrow ? "recipes narrow" : "recipes"} data-testid="recipes">
      {recipes.map((recipe) => (
        <li key={recipe.id} className="card recipe-card">
          <Dish id={recipe.id} photo={recipe.photoUrl} />
          <div>
            <To className="whole" href={`/recipes/${recipe.id}`}>
              <strong>{recipe.title}</strong>
            </To>
            <span className="price">
              {money(recipe.costPerServing, recipe.currency, lang)} <small>{say.perServing}</small>
            </span>
            <small className="faint">
              {recipe.author?.displayName ?? say.somebody} · <span className="unseen">{say.likes}</span>
              <span aria-hidden="true">♥</span> {recipe.likeCount} · <span className="unseen">{say.comments}</span>
              <Bubble /> {recipe.commentCount}
            </small>
          </div>
        </li>
      ))}
    </ul>
  );
}

/** The photo of a dish, or a plate in a colour of its own. */
export function Dish({ id, photo, large = false }: { id: string; photo: string | null; large?: boolean }) {
  const look = large ? "dish large" : "dish";
  const side = large ? 208 : 64;
  return (
    <Picture src={photo} look={look} width={side} height={side}>
      <span className={`${look} hue-${hueOf(id)}`} aria-hidden="true" />
    </Picture>
  );
}
