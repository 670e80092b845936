/** Stands for comments. Drawn, because not every device has a letter for it. */
export function Bubble() {
  return (
    <svg className="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d="M2 3.5A1.5 1.5 0 0 1 3.5 2h9A1.5 1.5 0 0 1 14 3.5v6a1.5 1.5 0 0 1-1.5 1.5H7l-3.2 2.8V11h-.3A1.5 1.5 0 0 1 2 9.5z" />
    </svg>
  );
}
