"use client";

import { unwrap, type Ingredient, type RecipeForm as Form } from "bff-client";
import { useRouter } from "next/navigation";
import { useEffect, useRef, useState, type FormEvent } from "react";

import { useAttempt } from "@/lib/attempt";
import { bff } from "@/lib/browser";
import { useDraft } from "@/lib/draft";
import { costOf, money } from "@/lib/money";
import { useOnce } from "@/lib/once";

import { Alert } from "./alert";
import { Field, TextField } from "./field";
import { IngredientLines, type Line } from "./ingredient-lines";
import { Picture } from "./picture";
import { PictureField } from "./picture-field";
import { useLanguage, useWords } from "./words";

interface Written {
  title: string;
  servings: number;
  lines: readonly Line[];
  body: string;
  tell: boolean;
  photoKey?: string | undefined;
}

/** A recipe being written, with what it costs as it stands. */
export function RecipeForm({ ingredients, form }: { ingredients: readonly Ingredient[]; form?: Form }) {
  const say = useWords();
  const lang = useLanguage();
  const router = useRouter();
  const once = useOnce();
  const [written, setWritten] = useState<Written>(() => beginning(ingredients, form));
  const draft = useDraft<Written>("recipe", written, setWritten);
  const { place, busy, failure, wrong, run } = useAttempt();
  const [sending, setSending] = useState(false);
  const [soon, setSoon] = useState(false);

  const change = (to: Partial<Written>) => {
    const next = { ...written, ...to };
    setWritten(next);
    draft.keep(next);
  };
  // A picture may take long, and what is typed meanwhile is kept.
  const latest = useRef(change);
  useEffect(() => {
    latest.current = change;
  });
  const known = new Map(ingredients.map((ingredient) => [ingredient.id, ingredient]));
  const costOfLine = ({ ingredientId, amount }: Line) => {
    const ingredient = known.get(ingredientId);
    return ingredient ? costOf(Number(amount) || 0, ingredient.price, ingredient.per) : 0;
  };
  const { servings, lines } = written;
  const total = lines.reduce((sum, line) => sum + costOfLine(line), 0);
  const perServing = servings > 0 ? Math.floor((2 * total + servings) / (2 * servings)) : 0;
  const price = (amount: number) => money(amount, "KRW", lang);

  const save = async (body: ReturnType<typeof inputOf>) => {
    if (form) return unwrap(bff().PUT("/api/recipes/{id}", { params: { path: { id: form.id } }, body }));
    return once.send((key) => {
      return unwrap(bff().POST("/api/recipes", { params: { header: { "Idempotency-Key": key } }, body }));
    });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (sending) return setSoon(true);
    void run(async () => {
      const input = inputOf(written);
      const saved = await save(input);
      // The recipe is there: a post that fails is no reason to say that it is not.
      if (!form && written.tell) {
        await bff().POST("/api/posts", { body: { text: input.title, recipeId: saved.id } }).catch(() => undefined);
      }
      draft.drop();
      router.push(`/recipes/${saved.id}`);
      router.refresh();
    });
  };
  return (
    <form ref={place} className="card middle" onSubmit={submit} noValidate>
      <h1>{form ? say.edit : say.newRecipe}</h1>
      <Field
        label={say.title}
        error={wrong("title")}
        name="title"
        value={written.title}
        onChange={(event) => change({ title: event.target.value })}
        required
      />
      <Field
        label={say.servingsLabel}
        error={wrong("servings")}
        name="servings"
        type="number"
        inputMode="numeric"
        min={1}
        max={100}
        value={servings || ""}
        onChange={(event) => change({ servings: event.target.valueAsNumber || 0 })}
        required
      />
      <IngredientLines
        ingredients={ingredients}
        lines={lines}
        change={(next) => change({ lines: next })}
        cost={(line) => price(costOfLine(line))}
        wrong={wrong}
      />
      <p className="sum" aria-live="polite" data-testid="live-cost">
        <span>
          {say.total} {price(total)}
        </span>{" "}
        ·{" "}
        <span className="price">
          {price(perServing)} <small>{say.perServing}</small>
        </span>
      </p>
      <PictureField
        label={say.picture.photo}
        error={wrong("photoKey")}
        shown={
          written.photoKey ? (
            <Picture src={`/files/${written.photoKey}`} look="wide" width={704} height={396} sizes="(min-width: 46rem) 40rem, 90vw">
              <span className="dish large hue-0" aria-hidden="true" />
            </Picture>
          ) : null
        }
        change={(photoKey) => latest.current({ photoKey })}
        sending={setSending}
      />
      <TextField
        label={say.method}
        error={wrong("body")}
        name="body"
        rows={8}
        value={written.body}
        onChange={(event) => change({ body: event.target.value })}
        required
      />
      {form ? null : (
        <label className="check">
          <input type="checkbox" name="tell" checked={written.tell} onChange={(event) => change({ tell: event.target.checked })} />{" "}
          {say.tellFollowers}
        </label>
      )}
      <Alert>{sending && soon ? say.picture.wait : failure?.message}</Alert>
      <button aria-disabled={busy || sending}>{form ? say.save : say.publish}</button>
    </form>
  );
}

function beginning(ingredients: readonly Ingredient[], form: Form | undefined): Written {
  const line = { key: 0, ingredientId: ingredients[0]?.id ?? "", amount: "" };
  if (!form) return { title: "", servings: 2, lines: [line], body: "", tell: true };
  const lines = form.ingredients.map(({ ingredientId, amount }, key) => ({ key, ingredientId, amount: String(amount) }));
  return { title: form.title, servings: form.servings, lines, body: form.body, tell: false, photoKey: form.photoKey ?? undefined };
}

function inputOf(written: Written) {
  return {
    title: written.title.trim(),
    body: written.body.trim(),
    servings: written.servings,
    ingredients: written.lines.map(({ ingredientId, amount }) => ({ ingredientId, amount: Number(amount) })),
    ...(written.photoKey ? { photoKey: written.photoKey } : {}),
  };
}
