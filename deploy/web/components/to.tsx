import Link from "next/link";
import type { ComponentProps } from "react";

/** A link that fetches its page when it is followed and not before: pages are personal, and a list of twenty would ask for
 * twenty of them. */
export function To(link: ComponentProps<typeof Link>) {
  return <Link prefetch={false} {...link} />;
}
