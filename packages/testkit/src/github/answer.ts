import type { Filler } from "./filler.ts";
import type { Json, JsonObject } from "./json.ts";
import type { GitHubState, TokenSeed } from "./state.ts";

/** What a route sees of a request that was let in and is right. */
export interface Call {
  readonly state: GitHubState;
  readonly fill: Filler;
  readonly token: TokenSeed;
  /** Login of the token. */
  readonly login: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: JsonObject;
}

/** One answer, or a list that is cut into pages. */
export type Answer =
  | { readonly status: number; readonly body?: Json; readonly location?: string }
  | {
      readonly list: readonly Json[];
      readonly wrap?: (page: readonly Json[], total: number) => Json;
      /** Pages have no numbers but cursors (`after`), of which nobody may know how they are made. */
      readonly cursors?: boolean;
    };

export type Route = (call: Call) => Answer;

export function ok(body: Json): Answer {
  return { status: 200, body };
}

export function created(body: Json): Answer {
  return { status: 201, body };
}

/** Thrown by a route: an error as GitHub words it. */
export class Refusal extends Error {
  readonly status: number;
  readonly errors: readonly JsonObject[] | undefined;

  constructor(status: number, message: string, errors?: readonly JsonObject[]) {
    super(message);
    this.status = status;
    this.errors = errors;
  }
}

export function notFound(): Refusal {
  return new Refusal(404, "Not Found");
}

/** `Validation Failed` with GitHub's way of naming the field. */
export function invalid(resource: string, field: string, message: string): Refusal {
  return new Refusal(422, "Validation Failed", [{ resource, field, code: "custom", message }]);
}

/** The value, or a 404. */
export function found<T>(value: T | undefined): T {
  if (value === undefined) throw notFound();
  return value;
}

export function textOf(body: JsonObject, key: string): string | undefined {
  const value = body[key];
  return typeof value === "string" ? value : undefined;
}
