import type { Metadata } from "next";

import { ResetPasswordForm } from "@/components/reset-password";
import { words } from "@/lib/language";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await words()).account.newPassword };
}

export default function ResetPassword() {
  return <ResetPasswordForm />;
}
