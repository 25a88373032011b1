/**
 * Takes the field out of `value` that the API server names in a conflict: `.spec.template.spec.containers[name="web"].image`
 * (structured-merge-diff, `fieldpath`). Keys may have dots themselves, so the path is read along what is there. In place;
 * false when there is no such field.
 */
export function dropPath(value: unknown, path: string): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Array.isArray(value) ? dropFromList(value, path) : dropFromMapping(value as Record<string, unknown>, path);
}

function dropFromMapping(mapping: Record<string, unknown>, path: string): boolean {
  const keys = Object.keys(mapping).filter((key) => path.startsWith(`.${key}`));
  for (const key of keys.sort((a, b) => b.length - a.length)) {
    const rest = path.slice(key.length + 1);
    if (rest === "") return delete mapping[key];
    if (/^[.[]/.test(rest) && dropPath(mapping[key], rest)) return true;
  }
  return false;
}

function dropFromList(list: unknown[], path: string): boolean {
  const [selector, index] = readSelector(list, path);
  if (selector === undefined || index < 0) return false;
  const rest = path.slice(selector.length);
  if (rest !== "") return dropPath(list[index], rest);
  list.splice(index, 1);
  return true;
}

/** `[name="web"]`, `[containerPort=80,protocol="TCP"]`, `[="value"]`, `[0]`. */
function readSelector(list: readonly unknown[], path: string): [selector: string | undefined, index: number] {
  const [selector, inner] = /^\[((?:[^\]"]|"(?:[^"\\]|\\.)*")*)\]/.exec(path) ?? [];
  if (selector === undefined || inner === undefined) return [undefined, -1];
  if (/^\d+$/.test(inner)) return [selector, Number(inner)];
  const pairs = [...inner.matchAll(/([^=,"]*)=("(?:[^"\\]|\\.)*"|[^,]*)/g)].map(
    ([, key = "", text = ""]) => [key, parseValue(text)] as const,
  );
  const matches = (item: unknown): boolean =>
    pairs.every(([key, value]) => (key === "" ? item : (item as Record<string, unknown> | null)?.[key]) === value);
  return [selector, pairs.length === 0 ? -1 : list.findIndex(matches)];
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
