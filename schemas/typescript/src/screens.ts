// What a contract says of screens, as types: which paths are screens, what they take, and the documents that they answer.
// `Paths` is the type `paths` that openapi-typescript makes of what `bff openapi` prints.

import type { paths } from "./contract.js";

/** A screen: its document can be had line by line as well. */
interface Screen {
  get: { responses: { 200: { content: { "application/json": unknown; "application/x-ndjson": unknown } } } };
}

/** The paths of a contract's screens. */
export type ScreenPath<Paths extends object = paths> = string &
  { [P in keyof Paths]: Paths[P] extends Screen ? P : never }[keyof Paths];

/** Whole, or with the fields that small screens need. */
export type View = "full" | "compact";

/** The document of a screen. */
export type ScreenDocument<Paths extends object, P extends ScreenPath<Paths>, V extends View = "full"> =
  Paths[P] extends { get: { responses: { 200: { content: { "application/json": infer D } } } } }
    ? V extends "compact" ? Compact<D> : Full<D>
    : never;

/** What stands in a screen's query, but for `view`. */
export type ScreenQuery<Paths extends object, P extends ScreenPath<Paths>> =
  Paths[P] extends { get: { parameters: { query?: infer Q } } } ? Omit<NonNullable<Q>, "view"> : Record<never, never>;

/** What stands in a screen's path. */
export type ScreenPathParams<Paths extends object, P extends ScreenPath<Paths>> =
  Paths[P] extends { get: { parameters: { path: infer Q extends object } } } ? Q : Record<never, never>;

// A contract gives the two shapes of a screen as alternatives, which a union of types keeps in no order. The compact one
// lacks fields of the other, at whatever depth.

/** The alternative with every field. */
type Full<D> = OrElse<WithAll<D, Fields<D>>, D>;
/** The other one; where there is none, the same. */
type Compact<D> = OrElse<Exclude<D, WithAll<D, Fields<D>>>, D>;
type OrElse<Chosen, Other> = [Chosen] extends [never] ? Other : Chosen;
type WithAll<D, All> = D extends unknown ? ([All] extends [Fields<D>] ? D : never) : never;

/** The names of all fields, dotted, of all alternatives. Schemas may contain themselves: five levels are looked at. */
type Fields<D, Deeper extends readonly unknown[] = [4, 3, 2, 1]> = unknown extends D
  ? never
  : D extends readonly (infer Item)[]
    ? Fields<Item, Deeper>
    : D extends object
      ? { [K in keyof D as Name<K>]: Name<K> | Inner<Name<K>, D[K], Deeper> } extends infer Names
        ? Names[keyof Names]
        : never
      : never;
type Inner<K extends string, Value, Deeper extends readonly unknown[]> = Deeper extends readonly [unknown, ...infer Rest]
  ? `${K}.${Fields<Value, Rest>}`
  : never;
/** No index signature. */
type Name<K> = K extends string ? (string extends K ? never : K) : never;
