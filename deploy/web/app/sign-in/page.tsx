import type { Metadata } from "next";

import { SignInForm } from "@/components/account-form";
import { Providers } from "@/components/providers";
import { words } from "@/lib/language";
import { safePath } from "@/lib/return-to";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await words()).signIn };
}

export default async function SignIn({ searchParams }: { searchParams: Promise<{ ended?: string; reset?: string; returnTo?: string }> }) {
  const { ended, reset, returnTo } = await searchParams;
  const because = ended !== undefined ? "ended" : reset !== undefined ? "reset" : returnTo !== undefined ? "needed" : undefined;
  const next = safePath(returnTo);
  return (
    <SignInForm returnTo={next} because={because}>
      <Providers returnTo={next} />
    </SignInForm>
  );
}
