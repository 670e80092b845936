import { BffError, unwrap } from "bff-client";
import type { Metadata } from "next";
import { notFound, redirect } from "next/navigation";

import { Missing } from "@/components/part";
import { RecipeForm } from "@/components/recipe-form";
import { gateway, session } from "@/lib/gateway";
import { voice, words } from "@/lib/language";
import { signInPath } from "@/lib/return-to";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await words()).edit };
}

export default async function EditRecipe({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  if (!(await session())) redirect(signInPath(`/recipes/${id}/edit`));
  const bff = await gateway();
  const loaded = Promise.all([
    unwrap(bff.GET("/api/ingredients")),
    unwrap(bff.GET("/api/recipes/{id}/form", { params: { path: { id } } })),
  ]);
  const both = await loaded.catch((error: unknown) => {
    // Somebody else's recipe is nothing that could be edited here.
    if (error instanceof BffError && (error.status === 403 || error.status === 404)) notFound();
    return undefined;
  });
  return both ? <RecipeForm ingredients={both[0].items} form={both[1]} /> : <Missing voice={await voice()} />;
}
