/** What somebody may put in the place of any value of a document, beside leaving it out. */
const ODD: readonly unknown[] = [
  null,
  true,
  -1.5,
  1e308,
  "",
  "constructor",
  "x\n::error::y",
  [],
  {},
  [null],
  { a: null },
];

export interface OddDocument {
  /** `services.0.rows = null`. */
  readonly what: string;
  readonly document: unknown;
}

/** Copies of a document of JSON, in each of which one value (also one that holds others) is another, or is not there. */
export function oddDocuments(document: unknown): OddDocument[] {
  return variants(document, "");
}

function variants(value: unknown, path: string): OddDocument[] {
  const odd = ODD.map((one) => ({ what: `${path} = ${JSON.stringify(one)}`, document: one }));
  return [...odd, ...inside(value, path)];
}

function inside(value: unknown, path: string): OddDocument[] {
  if (Array.isArray(value)) {
    return value.flatMap((item, at) =>
      variants(item, `${path}.${at}`).map(({ what, document }) => ({ what, document: value.with(at, document) })),
    );
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const { [name]: _gone, ...others } = value as Record<string, unknown>;
    const changed = variants(member, `${path}.${name}`);
    const all = changed.map(({ what, document }) => ({ what, document: { ...others, [name]: document } }));
    return [{ what: `${path}.${name} is gone`, document: others }, ...all];
  });
}
