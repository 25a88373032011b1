/**
 * The same value, made of the parts of another one wherever they are equal, so that what ten thousand objects have in common
 * is in memory once; all of it when nothing differs. The value must be the caller's own, or have come from here: its parts are
 * replaced in place, by equal ones, also within those that it shares with others by now. So whoever holds such a part may find
 * another object in it at any time, which says the same. Parts must be what JSON has, and nobody may change them otherwise.
 */
export function shareParts<T>(value: T, like: unknown): T {
  // Equal texts as well: then the other one's stays in memory, and this one goes.
  if (value === like) return like as T;
  if (!isPart(value) || !isPart(like) || Array.isArray(value) !== Array.isArray(like)) return value;
  const own = value as Record<string, unknown>;
  const other = like as Record<string, unknown>;
  const keys = Object.keys(own);
  let same = keys.length === Object.keys(other).length;
  for (const key of keys) {
    const part = shareParts(own[key], other[key]);
    if (part !== other[key] || !Object.hasOwn(other, key)) same = false;
    if (part !== own[key] || typeof part === "string") own[key] = part;
  }
  return same ? (like as T) : value;
}

function isPart(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
