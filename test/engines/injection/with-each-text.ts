/**
 * Copies of a document of JSON, in each of which one text is another: a value, or (unless `names` is false) the name of a
 * member, which then has its value under the new one.
 */
export function withEachText(document: unknown, text: string, names = true): unknown[] {
  if (typeof document === "string") return [text];
  if (Array.isArray(document)) {
    return document.flatMap((item, at) => withEachText(item, text, names).map((changed) => document.with(at, changed)));
  }
  if (typeof document !== "object" || document === null) return [];
  return Object.entries(document).flatMap(([name, value]) => {
    const { [name]: _gone, ...others } = document as Record<string, unknown>;
    const inside = withEachText(value, text, names).map((changed) => ({ ...document, [name]: changed }));
    return names ? [{ ...others, [text]: value }, ...inside] : inside;
  });
}
