import type { Metadata } from "next";
import { redirect } from "next/navigation";

import { DeleteAccount } from "@/components/delete-account";
import { TakeData } from "@/components/take-data";
import { session } from "@/lib/gateway";
import { words } from "@/lib/language";
import { signInPath } from "@/lib/return-to";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await words()).account.leavingTitle };
}

export default async function Delete() {
  const [me, say] = await Promise.all([session(), words()]);
  if (!me) redirect(signInPath("/settings/delete"));
  return (
    <div className="middle">
      <h1>{say.account.leavingTitle}</h1>
      <p>{say.account.leavingHint}</p>
      <h2>{say.account.leavingWhat}</h2>
      <ul>
        {say.account.leavingList.map((what) => (
          <li key={what}>{what}</li>
        ))}
      </ul>
      <p>{say.account.leavingTake}</p>
      <TakeData />
      <DeleteAccount username={me.username} asksForCode={me.totpEnabled} />
    </div>
  );
}
