/** Value at a dotted path of parsed JSON; `undefined` when something on the way is missing or is no object. */
export function at(value: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((inner, key) => (isRecord(inner) ? inner[key] : undefined), value);
}

/** The string at `path`, when it is one and is not empty. */
export function textAt(value: unknown, path: string): string | undefined {
  const found = at(value, path);
  return typeof found === "string" && found !== "" ? found : undefined;
}

/** The whole number at `path`, when it is one and is positive. */
export function numberAt(value: unknown, path: string): number | undefined {
  const found = at(value, path);
  return typeof found === "number" && Number.isSafeInteger(found) && found > 0 ? found : undefined;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `{ [name]: value }`, or nothing when there is no value: for optional properties. */
export function optional<K extends string, V>(name: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [P in K]?: V });
}
