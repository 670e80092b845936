import type { RecipeCard } from "bff-client";
import { To } from "@/components/to";

import { language, words } from "@/lib/language";
import { money } from "@/lib/money";

export async function RecipeGrid({ recipes, narrow = false }: { recipes: readonly RecipeCard[]; narrow?: boolean }) {
  const [say, lang] = await Promise.all([words(), language()]);
  if (recipes.length === 0) return <p className="calm">{say.noRecipes}</p>;
  return (
    <ul className={narrow ? "recipes narrow" : "recipes"} data-testid="recipes">
      {recipes.map((recipe) => (
        <li key={recipe.id} className="card">
          <To href={`/recipes/${recipe.id}`}>
            <strong>{recipe.title}</strong>
          </To>
          <span className="price">
            {money(recipe.costPerServing, recipe.currency, lang)} <small>{say.perServing}</small>
          </span>
          <small className="faint">
            {recipe.author?.displayName ?? say.somebody} · ♥ {recipe.likeCount} · 💬 {recipe.commentCount}
          </small>
        </li>
      ))}
    </ul>
  );
}
