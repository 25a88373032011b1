/** What Belay writes is nested less deep by far. What is deeper ends in a full stack wherever it is walked through. */
const DEEPEST = 64;

/**
 * JSON that came from outside. A member `__proto__`, which can become the prototype of a copy, makes it illegal.
 * @throws Error that says what is wrong with it
 */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  let level: object[] = isObject(value) ? [value] : [];
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > DEEPEST) throw new Error(`it is nested more than ${DEEPEST} deep`);
    if (level.some((one) => Object.hasOwn(one, "__proto__"))) throw new Error("it has a member __proto__");
    level = level.flatMap((one) => Object.values(one).filter(isObject));
  }
  return value;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
