import type { Metadata } from "next";

import { ConfirmEmail } from "@/components/confirm-email";
import { session } from "@/lib/gateway";
import { words } from "@/lib/language";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await words()).account.confirmEmail };
}

export default async function ConfirmEmailPage() {
  return <ConfirmEmail signedIn={(await session()) !== undefined} />;
}
