import type { Metadata } from "next";
import { redirect } from "next/navigation";

import { DeleteAccount } from "@/components/delete-account";
import { session } from "@/lib/gateway";
import { words } from "@/lib/language";
import { signInPath } from "@/lib/return-to";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await words()).account.leave };
}

export default async function Leave() {
  const me = await session();
  if (!me) redirect(signInPath("/settings/delete"));
  return <DeleteAccount username={me.username} asksForCode={me.totpEnabled} />;
}
