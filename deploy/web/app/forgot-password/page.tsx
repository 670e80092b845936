import type { Metadata } from "next";

import { ForgotPassword } from "@/components/forgot-password";
import { words } from "@/lib/language";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await words()).account.forgot };
}

export default function Page() {
  return <ForgotPassword />;
}
