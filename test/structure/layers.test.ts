import { describe, expect, it } from "vitest";
import { importsOf, parse, sourceFiles } from "./source-files.ts";

/** Higher imports lower, never the other way; equal numbers don't see each other. See docs/architecture.md. */
const LAYERS: Readonly<Record<string, number>> = {
  core: 0,
  config: 1,
  health: 1,
  github: 1,
  docker: 2,
  images: 3,
  registry: 3,
  scan: 3,
  sign: 4,
  compose: 4,
  swarm: 4,
  kubernetes: 4,
  rollout: 5,
  pipeline: 6,
  action: 7,
  cli: 7,
};

/** The engine-free heart sees ports only, whatever its place in the order. */
const ONLY: Readonly<Record<string, readonly string[]>> = { rollout: ["core"] };

/** `packages/core`, `actions/build`. */
const unitOf = (path: string): string => path.split("/").slice(0, 2).join("/");
const packageOf = (path: string): string | undefined => /^packages\/([^/]+)\//.exec(path)?.[1];

/** Why `path` may not import `specifier`, or nothing. */
function objection(path: string, specifier: string): string | undefined {
  const own = packageOf(path);
  const other = /^@belay\/([^/]+)/.exec(specifier)?.[1];
  if (specifier.startsWith(".")) {
    const target = new URL(specifier, `file:///${path}`).pathname.slice(1);
    const leaves =
      /^(packages|actions)\//.test(path) && /^(packages|actions)\//.test(target) && unitOf(path) !== unitOf(target);
    return leaves ? `${path} reaches into ${target} by a path` : undefined;
  }
  if (other === undefined) return undefined;
  const isTest = /\.test\.ts$|\/src\/testing\//.test(path) || own === "testkit" || !/^(packages|actions)\//.test(path);
  if (other === "testkit") return isTest ? undefined : `${path} ships the testkit`;
  if (isTest) return undefined;
  const height = own === undefined ? 8 : LAYERS[own];
  const depth = LAYERS[other];
  if (height === undefined || depth === undefined) return `${path}: ${own ?? ""} → ${other} has no layer`;
  if (own !== undefined && ONLY[own]?.includes(other) === false)
    return `${path}: ${own} may import only ${ONLY[own].join()}`;
  return depth < height ? undefined : `${path}: ${own} → ${other} points upwards or sideways`;
}

describe("layers", () => {
  it("lets no import point upwards", () => {
    const wrong = sourceFiles().flatMap((path) =>
      importsOf(parse(path))
        .map((specifier) => objection(path, specifier))
        .filter((text) => text !== undefined),
    );
    expect(wrong).toEqual([]);
  });

  it("would find one (the rule itself works)", () => {
    expect(objection("packages/core/src/a.ts", "@belay/docker")).toContain("upwards");
    expect(objection("packages/images/src/a.ts", "@belay/registry")).toContain("sideways");
    expect(objection("packages/rollout/src/a.ts", "@belay/compose")).toContain("only core");
    expect(objection("packages/core/src/a.ts", "../../docker/src/b.ts")).toContain("by a path");
    expect(objection("packages/pipeline/src/a.ts", "@belay/testkit")).toContain("ships the testkit");
    expect(objection("packages/compose/src/a.ts", "@belay/docker")).toBeUndefined();
  });
});
