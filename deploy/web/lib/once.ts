"use client";

// What is to be made once, however often it is sent: the gateway carries out one request for each key.

import { BffError } from "bff-client";
import { useRef } from "react";

export interface Once {
  /** Something else is to be made from now on. */
  forget(): void;
  /** Sends it under its key. */
  send<T>(request: (key: string) => Promise<T>): Promise<T>;
}

export function useOnce(): Once {
  const key = useRef<string>(undefined);
  const forget = () => {
    key.current = undefined;
  };
  const send = async <T>(request: (key: string) => Promise<T>): Promise<T> => {
    key.current ??= crypto.randomUUID();
    try {
      const made = await request(key.current);
      forget();
      return made;
    } catch (error) {
      // A corrected request is another one. So is one whose outcome the gateway cannot tell: people look whether it is
      // there before they send it again.
      if (error instanceof BffError && error.status < 500 && error.code !== "idempotency_in_flight") forget();
      throw error;
    }
  };
  return { forget, send };
}

/** Whether it may have been made although the answer says that it failed. */
export function mayBeMade(error: unknown): boolean {
  return error instanceof BffError && error.code === "idempotency_outcome_unknown";
}
