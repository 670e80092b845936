import { To } from "@/components/to";
import { words } from "@/lib/language";

export default async function NotFound() {
  const say = await words();
  return (
    <div className="empty">
      <h1>{say.notFound}</h1>
      <To className="button" href="/">
        {say.toHome}
      </To>
    </div>
  );
}
