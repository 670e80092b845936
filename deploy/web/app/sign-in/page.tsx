import type { Metadata } from "next";

import { SignInForm } from "@/components/account-form";
import { words } from "@/lib/language";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await words()).signIn };
}

export default async function SignIn({ searchParams }: { searchParams: Promise<{ ended?: string }> }) {
  return <SignInForm ended={(await searchParams).ended !== undefined} />;
}
