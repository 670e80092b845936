// Errors of the gateway: problem documents (RFC 9457) with a stable code.

import type { components } from "./contract.js";

export type Problem = components["schemas"]["Problem"];
export type FieldError = components["schemas"]["FieldError"];

/** Whether a body is a problem document. */
export function isProblem(body: unknown): body is Problem {
  return typeof body === "object" && body !== null && "code" in body && "status" in body && "type" in body;
}

/** A request that the gateway refused, or could not carry out. */
export class BffError extends Error {
  override readonly name = "BffError";
  /** Stable, snake_case: what programs decide by. */
  readonly code: string;
  readonly status: number;
  /** Names the request in the gateway's log. */
  readonly requestId: string | undefined;
  /** Which fields are wrong (422 only). */
  readonly errors: readonly FieldError[];
  /** Seconds after which trying again is worth it. */
  readonly retryAfter: number | undefined;

  constructor(response: Response, body: unknown) {
    const problem = isProblem(body) ? body : undefined;
    super(problem?.detail ?? `the gateway answered ${response.status}`);
    this.code = problem?.code ?? "unexpected_answer";
    this.status = response.status;
    this.requestId = problem?.requestId ?? response.headers.get("x-request-id") ?? undefined;
    this.errors = problem?.errors ?? [];
    const after = Number(response.headers.get("retry-after") ?? NaN);
    this.retryAfter = Number.isFinite(after) ? after : undefined;
  }

  /** The words for one field, for forms. */
  field(name: string): FieldError | undefined {
    return this.errors.find((error) => error.field === name);
  }
}

/** What openapi-fetch answers with. */
export interface Answer<T> {
  data?: T | undefined;
  error?: unknown;
  response: Response;
}

/** The data of an answer, or a thrown {@link BffError}: for code that has nothing to say about failures. */
export async function unwrap<T>(answer: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answer;
  if (error !== undefined || !response.ok) throw new BffError(response, error);
  return data as T;
}

/** The code of a refusal, read from a copy so that the answer can still be read. */
export async function codeOf(response: Response): Promise<string | undefined> {
  if (!(response.headers.get("content-type") ?? "").startsWith("application/problem+json")) return undefined;
  try {
    const body: unknown = await response.clone().json();
    return isProblem(body) ? body.code : undefined;
  } catch {
    return undefined;
  }
}
