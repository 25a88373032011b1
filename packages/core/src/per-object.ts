/**
 * Remembers what a pure function made of an object, as long as the object lives. Only for objects that nobody changes: then
 * the function stays pure, and what it costs is paid once per object.
 */
export function perObject<Key extends object, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const known = new WeakMap<Key, { readonly value: Value }>();
  return (key) => {
    const found = known.get(key);
    if (found !== undefined) return found.value;
    const value = make(key);
    known.set(key, { value });
    return value;
  };
}
