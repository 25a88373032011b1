/** Whether two lists have the same members at the same places. A member that was kept is not looked into. */
export function isSameList<T>(one: readonly T[], other: readonly T[], isSame: (one: T, other: T) => boolean): boolean {
  if (one === other) return true;
  if (one.length !== other.length) return false;
  for (let index = 0; index < one.length; index++) {
    const left = one[index] as T;
    const right = other[index] as T;
    if (left !== right && !isSame(left, right)) return false;
  }
  return true;
}
