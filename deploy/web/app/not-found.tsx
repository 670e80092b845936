import { words } from "@/lib/language";

export default async function NotFound() {
  return <p className="calm">{(await words()).notFound}</p>;
}
