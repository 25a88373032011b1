/** `value` without the keys whose value is left out: undefined, `null`, `""`, `[]`. `{}`, `0` and `false` stay. */
export function compact<T extends object>(value: T): Compact<T> {
  const kept = Object.entries(value).filter(
    ([, one]) => one !== undefined && one !== null && one !== "" && !(Array.isArray(one) && one.length === 0),
  );
  return Object.fromEntries(kept) as Compact<T>;
}

/** Keys that may be left out are optional; the others stay required. */
export type Compact<T> = {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
} & { [K in keyof T as undefined extends T[K] ? never : K]: T[K] };
