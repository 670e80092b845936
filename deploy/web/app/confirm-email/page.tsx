import type { Metadata } from "next";

import { ConfirmEmail } from "@/components/confirm-email";
import { words } from "@/lib/language";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await words()).account.confirmEmail };
}

export default function Page() {
  return <ConfirmEmail />;
}
