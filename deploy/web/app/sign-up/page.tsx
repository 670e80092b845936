import type { Metadata } from "next";

import { SignUpForm } from "@/components/account-form";
import { Providers } from "@/components/providers";
import { words } from "@/lib/language";
import { safePath } from "@/lib/return-to";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await words()).signUp };
}

export default async function SignUp({ searchParams }: { searchParams: Promise<{ returnTo?: string }> }) {
  const { returnTo } = await searchParams;
  const next = safePath(returnTo);
  return (
    <SignUpForm returnTo={next}>
      <Providers returnTo={next} />
    </SignUpForm>
  );
}
