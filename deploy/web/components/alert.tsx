import type { ReactNode } from "react";

/** Says what went wrong, and is read out when it appears. */
export function Alert({ children }: { children: ReactNode }) {
  return children ? (
    <p role="alert" className="wrong" data-testid="alert">
      {children}
    </p>
  ) : null;
}
