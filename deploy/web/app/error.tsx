"use client";

import { useWords } from "@/components/words";

export default function Failed({ reset }: { reset: () => void }) {
  const say = useWords();
  return (
    <div className="empty" role="alert">
      <p>{say.failed}</p>
      <button type="button" onClick={reset}>
        {say.retry}
      </button>
    </div>
  );
}
