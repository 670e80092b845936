import { unwrap } from "bff-client";
import type { Metadata } from "next";
import { redirect } from "next/navigation";

import { Missing } from "@/components/part";
import { RecipeForm } from "@/components/recipe-form";
import { gateway, session } from "@/lib/gateway";
import { voice, words } from "@/lib/language";
import { signInPath } from "@/lib/return-to";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await words()).newRecipe };
}

export default async function NewRecipe() {
  if (!(await session())) redirect(signInPath("/recipes/new"));
  const list = await unwrap((await gateway()).GET("/api/ingredients")).catch(() => undefined);
  return list ? <RecipeForm ingredients={list.items} /> : <Missing voice={await voice()} />;
}
