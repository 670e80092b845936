"use client";

import { BffError } from "bff-client";
import { useState } from "react";

import { useAttempt } from "@/lib/attempt";

import { Alert } from "./alert";
import { useWords } from "./words";

/** So much of the end of a document is looked at. */
const TAIL = 4096;

/** Saves all that the services keep of the user. A link would not say why there is nothing, nor that it was cut off. */
export function TakeAlong() {
  const say = useWords();
  const { place, busy, failure, run } = useAttempt<HTMLDivElement>();
  const [said, setSaid] = useState("");
  const take = () =>
    void run(async () => {
      setSaid(say.account.gathering);
      try {
        const response = await fetch("/api/me/export", { headers: { accept: "application/json, application/problem+json" } });
        if (!response.ok) throw new BffError(response, await response.json().catch(() => undefined));
        const name = /filename="([^"]+)"/.exec(response.headers.get("content-disposition") ?? "")?.[1];
        // Browsers put what is large on their disk.
        const file = await response.blob();
        const end = await file.slice(-TAIL).text();
        const incomplete = /"incomplete":\[(.*)\]\}\s*$/s.exec(end)?.[1];
        if (incomplete === undefined) return setSaid(say.account.cutOff);
        save(file, name ?? "export.json");
        setSaid(incomplete === "" ? say.account.taken : say.account.takenInPart);
      } catch (error) {
        setSaid("");
        throw error;
      }
    });
  return (
    <div ref={place} className="card take-along">
      <p>{say.account.dataHint}</p>
      <p role="status" className={said ? "calm" : "unseen"}>
        {said}
      </p>
      <Alert>{failure?.message}</Alert>
      <button type="button" className="quiet" aria-disabled={busy} onClick={take}>
        {say.account.takeAlong}
      </button>
    </div>
  );
}

function save(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  // The browser has begun to read it once this task is over.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
