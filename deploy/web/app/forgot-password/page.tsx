import type { Metadata } from "next";

import { ForgotPasswordForm } from "@/components/forgot-password";
import { words } from "@/lib/language";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await words()).account.forgot };
}

export default function ForgotPasswordPage() {
  return <ForgotPasswordForm />;
}
