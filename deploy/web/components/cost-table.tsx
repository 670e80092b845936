import type { Recipe } from "bff-client";

import type { Voice } from "@/lib/language";
import { money } from "@/lib/money";

/** What a recipe costs, ingredient by ingredient. */
export function CostTable({ recipe, voice: { say, lang } }: { recipe: Recipe; voice: Voice }) {
  const price = (amount: number) => money(amount, recipe.currency, lang);
  return (
    <div className="scroll" role="region" aria-labelledby="costs" tabIndex={0}>
      <table className="costs">
        <caption id="costs">
          {say.ingredients} · {say.servings(recipe.servings)}
        </caption>
        <thead>
          <tr>
            <th scope="col">{say.ingredient}</th>
            <th scope="col">{say.amount}</th>
            <th scope="col">{say.cost}</th>
          </tr>
        </thead>
        <tbody>
          {recipe.ingredients.map((ingredient) => (
            <tr key={ingredient.ingredientId}>
              <th scope="row">{ingredient.name}</th>
              <td>
                {ingredient.amount.toLocaleString(lang)} {ingredient.unit}
              </td>
              <td>{price(ingredient.cost)}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row" colSpan={2}>
              {say.total}
            </th>
            <td data-testid="total">{price(recipe.totalCost)}</td>
          </tr>
        </tfoot>
      </table>
    </div>
  );
}
