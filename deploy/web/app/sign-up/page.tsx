import type { Metadata } from "next";

import { SignUpForm } from "@/components/account-form";
import { words } from "@/lib/language";
import { safePath } from "@/lib/return-to";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await words()).signUp };
}

export default async function SignUp({ searchParams }: { searchParams: Promise<{ returnTo?: string }> }) {
  const { returnTo } = await searchParams;
  return <SignUpForm returnTo={safePath(returnTo)} />;
}
