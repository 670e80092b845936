import type { Metadata } from "next";

import { SignUpForm } from "@/components/account-form";
import { words } from "@/lib/language";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await words()).signUp };
}

export default function SignUp() {
  return <SignUpForm />;
}
