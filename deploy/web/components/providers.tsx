import { everybodys } from "@/lib/gateway";
import { words } from "@/lib/language";

/** Where else people can sign in: the OpenID providers that the gateway knows. Links and no forms, so that they work without
 * a script. */
export async function Providers({ returnTo }: { returnTo: string }) {
  const [say, known] = await Promise.all([words(), load()]);
  if (known.length === 0) return null;
  return (
    <ul className="providers">
      {known.map(({ id, name, loginPath }) => (
        <li key={id}>
          <a className="button quiet" href={`${loginPath}?returnTo=${encodeURIComponent(returnTo)}`}>
            {say.continueWith(name)}
          </a>
        </li>
      ))}
    </ul>
  );
}

async function load() {
  try {
    const { data } = await everybodys({ cache: "no-store" }).GET("/auth/oidc");
    return data?.items ?? [];
  } catch {
    // The gateway is away: signing in says so.
    return [];
  }
}
