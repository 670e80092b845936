"use client";

import type { Ingredient } from "bff-client";
import { useId } from "react";

import { useWords } from "./words";

export interface Line {
  key: number;
  ingredientId: string;
  /** As it was typed. */
  amount: string;
}

interface Props {
  ingredients: readonly Ingredient[];
  lines: readonly Line[];
  change: (lines: readonly Line[]) => void;
  /** What a line costs, in words. */
  cost: (line: Line) => string;
  /** The mistake in a field, by the gateway's name for it. */
  wrong: (field: string) => string | undefined;
}

/** What goes into a recipe, line by line, each with what it costs. */
export function IngredientLines({ ingredients, lines, change, cost, wrong }: Props) {
  const say = useWords();
  const id = useId();
  const set = (key: number, to: Partial<Line>) => change(lines.map((line) => (line.key === key ? { ...line, ...to } : line)));
  const add = () => {
    const key = Math.max(...lines.map((line) => line.key)) + 1;
    change([...lines, { key, ingredientId: ingredients[0]?.id ?? "", amount: "" }]);
  };
  const whole = wrong("ingredients");
  return (
    <fieldset aria-describedby={whole ? `${id}-whole` : undefined}>
      <legend>{say.ingredients}</legend>
      {lines.map((line, place) => {
        const mistake = wrong(`ingredients[${place}].amount`) ?? wrong(`ingredients[${place}].ingredientId`);
        const words = `${id}-${line.key}`;
        return (
          <div className="line" key={line.key}>
            <label>
              <span className="unseen">
                {say.ingredient} {place + 1}
              </span>
              <select value={line.ingredientId} onChange={(event) => set(line.key, { ingredientId: event.target.value })}>
                {ingredients.map((ingredient) => (
                  <option key={ingredient.id} value={ingredient.id}>
                    {ingredient.name} ({ingredient.unit})
                  </option>
                ))}
              </select>
            </label>
            <label>
              <span className="unseen">
                {say.amount} {place + 1}
              </span>
              <input
                type="number"
                inputMode="decimal"
                min="0.001"
                step="0.001"
                required
                placeholder={say.amount}
                value={line.amount}
                aria-invalid={mistake ? true : undefined}
                aria-describedby={mistake ? words : undefined}
                onChange={(event) => set(line.key, { amount: event.target.value })}
              />
            </label>
            <output>{cost(line)}</output>
            <button
              type="button"
              className="link"
              disabled={lines.length === 1}
              onClick={() => change(lines.filter((other) => other.key !== line.key))}
            >
              {say.remove}
              <span className="unseen"> {place + 1}</span>
            </button>
            {mistake ? (
              <small id={words} className="wrong" data-testid="field-error">
                {mistake}
              </small>
            ) : null}
          </div>
        );
      })}
      {whole ? (
        <small id={`${id}-whole`} className="wrong" data-testid="field-error">
          {whole}
        </small>
      ) : null}
      <button type="button" className="quiet small" onClick={add}>
        {say.add}
      </button>
    </fieldset>
  );
}
