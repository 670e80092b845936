import type { Metadata } from "next";

import { ResetPassword } from "@/components/reset-password";
import { words } from "@/lib/language";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await words()).account.newPassword };
}

export default function ResetPasswordPage() {
  return <ResetPassword />;
}
