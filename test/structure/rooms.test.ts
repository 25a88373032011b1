import { posix } from "node:path";
import { describe, expect, it } from "vitest";
import { importsOf, parse, sourceFiles } from "./source-files.ts";

/** `rollout/judge`: a package's folder below `src`. What lies beside the folders ties them together and is in none. */
function roomOf(path: string): string | undefined {
  const [, unit, room] = /^packages\/([^/]+)\/src\/([^/]+)\//.exec(path) ?? [];
  return unit === undefined || room === "testing" ? undefined : `${unit}/${room}`;
}

type Doors = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Which room uses which, and a file that shows it. Types don't count: they are gone when the program runs. */
function doorsOf(imports: Iterable<readonly [path: string, specifiers: readonly string[]]>): Doors {
  const doors = new Map<string, Map<string, string>>();
  for (const [path, specifiers] of imports) {
    const from = roomOf(path);
    if (from === undefined) continue;
    for (const specifier of specifiers.filter((one) => one.startsWith("."))) {
      const target = posix.join(posix.dirname(path), specifier);
      const to = roomOf(target);
      if (to === undefined || to === from) continue;
      const known = doors.get(from) ?? new Map<string, string>();
      doors.set(from, known.set(to, `${path} → ${target}`));
    }
  }
  return doors;
}

/** A way through rooms that ends where it began, by the files that lead on; nothing when there is none. */
function circle(doors: Doors): readonly string[] | undefined {
  const done = new Set<string>();
  const walk = (room: string, way: readonly string[], files: readonly string[]): readonly string[] | undefined => {
    const at = way.indexOf(room);
    if (at >= 0) return files.slice(at);
    if (done.has(room)) return undefined;
    for (const [next, file] of doors.get(room) ?? []) {
      const found = walk(next, [...way, room], [...files, file]);
      if (found !== undefined) return found;
    }
    done.add(room);
    return undefined;
  };
  for (const room of doors.keys()) {
    const found = walk(room, [], []);
    if (found !== undefined) return found;
  }
  return undefined;
}

describe("rooms", () => {
  it("lets no folders of a package use each other in a circle", () => {
    const shipped = sourceFiles().filter((path) => !path.endsWith(".test.ts"));
    expect(circle(doorsOf(shipped.map((path) => [path, importsOf(parse(path), "values")])))).toBeUndefined();
  });

  it("would find one (the rule itself works)", () => {
    const file = (room: string): string => `packages/a/src/${room}/x.ts`;
    const round = doorsOf([
      [file("one"), ["../two/x.ts"]],
      [file("two"), ["./y.ts", "../three/x.ts", "../../src/index.ts"]],
      [file("three"), ["../two/x.ts"]],
    ]);
    expect(circle(round)).toEqual([`${file("two")} → ${file("three")}`, `${file("three")} → ${file("two")}`]);
    expect(circle(doorsOf([[file("one"), ["../two/x.ts"]]]))).toBeUndefined();
  });

  it("keeps a folder small enough to be read at a glance", () => {
    const counts = Map.groupBy(
      sourceFiles().filter((path) => /^packages\/[^/]+\/src\//.test(path) && !path.endsWith(".test.ts")),
      (path) => posix.dirname(path),
    );
    const large = [...counts]
      .filter(([, files]) => files.length > 50)
      .map(([folder, files]) => `${folder}: ${files.length}`);
    expect(large).toEqual([]);
  });
});
