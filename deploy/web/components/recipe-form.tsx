"use client";

import { BffError, unwrap, type Ingredient, type RecipeForm as Form } from "bff-client";
import { useRouter } from "next/navigation";
import { useId, useRef, useState, type FormEvent } from "react";

import { bff } from "@/lib/browser";
import { costOf, money } from "@/lib/money";

import { Field } from "./field";
import { useLanguage, useWords } from "./words";

interface Line {
  key: number;
  ingredientId: string;
  amount: string;
}

/** A recipe being written, with what it costs as it stands. */
export function RecipeForm({ ingredients, form }: { ingredients: readonly Ingredient[]; form?: Form }) {
  const say = useWords();
  const lang = useLanguage();
  const router = useRouter();
  const textId = useId();
  const next = useRef(1);
  const once = useRef(crypto.randomUUID());
  const first = ingredients[0]?.id ?? "";
  const [servings, setServings] = useState(form?.servings ?? 2);
  const [lines, setLines] = useState<Line[]>(
    form?.ingredients.map((line, key) => ({ key: -key - 1, ingredientId: line.ingredientId, amount: String(line.amount) })) ?? [
      { key: 0, ingredientId: first, amount: "" },
    ],
  );
  const [failure, setFailure] = useState<BffError | "unreachable">();
  const [busy, setBusy] = useState(false);

  const known = new Map(ingredients.map((ingredient) => [ingredient.id, ingredient]));
  const costOfLine = ({ ingredientId, amount }: Line) => {
    const ingredient = known.get(ingredientId);
    return ingredient ? costOf(Number(amount) || 0, ingredient.price, ingredient.per) : 0;
  };
  const total = lines.reduce((sum, line) => sum + costOfLine(line), 0);
  const perServing = servings > 0 ? Math.floor((2 * total + servings) / (2 * servings)) : 0;
  const price = (amount: number) => money(amount, "KRW", lang);
  const change = (key: number, to: Partial<Line>) =>
    setLines((before) => before.map((line) => (line.key === key ? { ...line, ...to } : line)));

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const body = {
      title: String(data.get("title") ?? "").trim(),
      body: String(data.get("body") ?? "").trim(),
      servings,
      ingredients: lines.map(({ ingredientId, amount }) => ({ ingredientId, amount: Number(amount) })),
      ...(form?.photoKey ? { photoKey: form.photoKey } : {}),
    };
    setBusy(true);
    try {
      const saved = form
        ? await unwrap(bff().PUT("/api/recipes/{id}", { params: { path: { id: form.id } }, body }))
        : await unwrap(bff().POST("/api/recipes", { params: { header: { "Idempotency-Key": once.current } }, body }));
      // The recipe is there: a post that fails is no reason to say that it is not.
      if (!form && data.get("tell")) {
        await bff().POST("/api/posts", { body: { text: body.title, recipeId: saved.id } }).catch(() => undefined);
      }
      router.push(`/recipes/${saved.id}`);
      router.refresh();
    } catch (error) {
      // A corrected recipe is another request.
      if (error instanceof BffError && error.status < 500) once.current = crypto.randomUUID();
      setFailure(error instanceof BffError ? error : "unreachable");
      setBusy(false);
    }
  };
  const wrong = (field: string) => (failure instanceof BffError ? failure.field(field)?.message : undefined);
  return (
    <form className="card" onSubmit={(event) => void submit(event)}>
      <h1>{form ? say.edit : say.newRecipe}</h1>
      <Field label={say.title} error={wrong("title")} name="title" defaultValue={form?.title} required maxLength={200} />
      <Field
        label={say.servingsLabel}
        error={wrong("servings")}
        type="number"
        min={1}
        max={100}
        value={servings || ""}
        onChange={(event) => setServings(event.target.valueAsNumber || 0)}
        required
      />
      <fieldset>
        <legend>{say.ingredients}</legend>
        {lines.map((line, place) => (
          <div className="line" key={line.key}>
            <label>
              <span className="unseen">{say.ingredient}</span>
              <select value={line.ingredientId} onChange={(event) => change(line.key, { ingredientId: event.target.value })}>
                {ingredients.map((ingredient) => (
                  <option key={ingredient.id} value={ingredient.id}>
                    {ingredient.name} ({ingredient.unit})
                  </option>
                ))}
              </select>
            </label>
            <label>
              <span className="unseen">{say.amount}</span>
              <input
                type="number"
                min="0.001"
                step="0.001"
                required
                placeholder={say.amount}
                value={line.amount}
                onChange={(event) => change(line.key, { amount: event.target.value })}
              />
            </label>
            <output>{price(costOfLine(line))}</output>
            <button
              type="button"
              className="link"
              disabled={lines.length === 1}
              onClick={() => setLines((before) => before.filter((other) => other.key !== line.key))}
            >
              {say.remove}
              <span className="unseen"> {place + 1}</span>
            </button>
          </div>
        ))}
        <button
          type="button"
          className="quiet"
          onClick={() => setLines((before) => [...before, { key: next.current++, ingredientId: first, amount: "" }])}
        >
          {say.add}
        </button>
      </fieldset>
      <p className="price" aria-live="polite" data-testid="live-cost">
        {say.total} {price(total)} · {price(perServing)} <small>{say.perServing}</small>
      </p>
      <div className="field">
        <label htmlFor={textId}>{say.method}</label>
        <textarea id={textId} name="body" rows={8} defaultValue={form?.body} required maxLength={10000} />
      </div>
      {form ? null : (
        <label className="check">
          <input type="checkbox" name="tell" defaultChecked /> {say.tellFollowers}
        </label>
      )}
      {failure ? (
        <p role="alert" className="wrong">
          {failure === "unreachable" ? say.failed : failure.message}
        </p>
      ) : null}
      <button disabled={busy}>{form ? say.save : say.publish}</button>
    </form>
  );
}
