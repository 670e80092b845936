"use client";

import { BffError } from "bff-client";
import { useState, type MouseEvent } from "react";

import { useAttempt } from "@/lib/attempt";
import { bff } from "@/lib/browser";

import { Alert } from "./alert";
import { FormAlert } from "./password-fields";
import { useWords } from "./words";

const PATH = "/api/me/export";

/** Saves all that is kept of the member, under the name that the gateway gives. It is read here first: a refusal is to be
 * said, and a document that was cut off is not to be taken for a whole one. Without a script it is a plain download. */
export function TakeData() {
  const say = useWords();
  const { place, busy, failure, run } = useAttempt<HTMLDivElement>();
  const [said, setSaid] = useState("");
  const [cutOff, setCutOff] = useState(false);
  const take = (event: MouseEvent) => {
    event.preventDefault();
    setSaid("");
    setCutOff(false);
    void run(async () => {
      const { data, error, response } = await bff().GET(PATH, { parseAs: "text" });
      if (data === undefined) throw new BffError(response, error);
      const missing = missingIn(data);
      if (missing === undefined) return setCutOff(true);
      save(data, nameIn(response.headers.get("content-disposition")));
      setSaid(missing.length === 0 ? say.account.downloaded : say.account.incomplete(missing.join(", ")));
    });
  };
  return (
    <div ref={place} className="stack">
      <a className="button quiet" href={PATH} download aria-disabled={busy} onClick={take} data-testid="take-data">
        {say.account.download}
      </a>
      <FormAlert failure={failure} />
      <Alert>{cutOff ? say.account.cutOff : null}</Alert>
      <div role="status">{said ? <p className="calm">{said}</p> : null}</div>
    </div>
  );
}

/** What the document says that it lacks; nothing where it was cut off. */
function missingIn(text: string): string[] | undefined {
  try {
    const { incomplete } = JSON.parse(text) as { incomplete?: { part: string }[] };
    return incomplete?.map(({ part }) => part);
  } catch {
    return undefined;
  }
}

/** `filename` of a `Content-Disposition` header. */
function nameIn(disposition: string | null): string {
  return /filename="([^"\\/]+)"/.exec(disposition ?? "")?.[1] ?? "export.json";
}

function save(text: string, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = name;
  link.click();
  // The browser has begun to save it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
