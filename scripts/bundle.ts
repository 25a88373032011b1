/**
 * Bundles every entry that users run into `dist/`: one small file per entry, shared chunks beside them, heavy parts in
 * chunks that are loaded when they are needed. Run with `npm run bundle`.
 */

import crypto from "node:crypto";
import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import { join, resolve } from "node:path";
import tls from "node:tls";
import { type Plugin, rolldown } from "rolldown";

/** Entry name in `dist/` and its source. */
export const ENTRIES = {
  "cli/index": "packages/cli/src/main.ts",
  "belay/index": "actions/belay/src/main.ts",
  "build/index": "actions/build/src/main.ts",
  "scan/index": "actions/scan/src/main.ts",
  "push/index": "actions/push/src/main.ts",
  "deploy/index": "actions/deploy/src/main.ts",
  "deploy/post": "actions/deploy/src/post.ts",
  "plan/index": "actions/plan/src/main.ts",
  "rollback/index": "actions/rollback/src/main.ts",
  "report/index": "actions/report/src/main.ts",
  "prune/index": "actions/prune/src/main.ts",
  "sign/index": "actions/sign/src/main.ts",
  "trivy/check": "actions/trivy/src/check.ts",
  "trivy/collect": "actions/trivy/src/collect.ts",
} as const;

/** Classes of the Kubernetes client and nothing else: those that nobody uses are left out, which its package does not say. */
const GENERATED = /\/@kubernetes\/client-node\/dist\/(?!polyfill\.js)/;

/** Belay's own sources: none does anything by being loaded but the entries, so that an index loads only what is asked of it. */
const OWN = /\/(packages|actions)\/\w+\/src\/.*\.ts$/;

/** What `--help` and a wrong option need of the ground, the rest of it (of which everything else needs nearly all), and what is heavier. */
const WORDS = /\/packages\/core\/src\/(duration|errors|inputs|log|text)\.ts$/;
const CORE = /\/packages\/core\/src\/(?!oci-layout)/;

/** Nobody asks `@actions/core` for an identity token: without it, undici (a fifth of every action's start) is not loaded. */
const TOKENS = /\/@actions\/(core\/lib\/oidc-utils|http-client\/lib\/\w+)\.js$/;

/**
 * An `import` of a module of Node reads all that it exports (Node 24, `getESMFacade` in `lib/internal/bootstrap/realm.js`), and
 * some of these load more when they are read: of `http` undici, of `crypto` Web Crypto, of `tls` every certificate of Node's. That
 * is 20 ms and more of every start. `process.getBuiltinModule` reads nothing. Nothing in the bundles names what is left out.
 */
const LIGHT: Readonly<Record<string, readonly string[]>> = {
  "node:http": valuesOf(http, "globalAgent", "maxHeaderSize"),
  "node:crypto": valuesOf(crypto),
  "node:tls": valuesOf(tls),
};

/** Names of its exports, of those that are made when they are read only `also`. */
function valuesOf(builtin: object, ...also: readonly string[]): string[] {
  const isMade = (name: string): boolean => Object.getOwnPropertyDescriptor(builtin, name)?.get !== undefined;
  return Object.keys(builtin).filter((name) => also.includes(name) || !isMade(name));
}

const lightBuiltins: Plugin = {
  name: "light-builtins",
  resolveId: (id, _importer, { kind }) => {
    const name = id.replace(/^(node:)?/, "node:");
    return kind === "import-statement" && Object.hasOwn(LIGHT, name) ? `\0light-${name.slice("node:".length)}` : null;
  },
  load: (id) => {
    const name = `node:${id.slice("\0light-".length)}`;
    const names = id.startsWith("\0light-") ? LIGHT[name] : undefined;
    if (names === undefined) return null;
    return `const builtin = process.getBuiltinModule(${JSON.stringify(name)});
export default builtin;
export const { ${names.join(", ")} } = builtin;`;
  },
};

/** Writes the bundles of `root` into `into`, which is emptied first. */
export async function bundle(root: string, into: string): Promise<void> {
  const input = Object.fromEntries(Object.entries(ENTRIES).map(([name, source]) => [name, join(root, source)]));
  const build = await rolldown({
    cwd: root,
    input,
    platform: "node",
    plugins: [lightBuiltins],
    // `undici` and `@actions/http-client` are CommonJS inside: `require` of a node: module must work in an ES module.
    transform: { target: "node24" },
    treeshake: {
      moduleSideEffects: [GENERATED, OWN, TOKENS].map((test) => ({ test, sideEffects: false })),
    },
    onLog: (level, log) => {
      if (level === "warn" && log.code !== "EVAL") throw new Error(`bundling: ${log.message}`);
    },
  });
  await rm(into, { recursive: true, force: true });
  await build.write({
    dir: into,
    format: "esm",
    minify: true,
    // Many small chunks take longer to load than one with what is not needed.
    codeSplitting: {
      groups: [
        { name: "words", test: WORDS, priority: 1 },
        { name: "core", test: CORE },
      ],
    },
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name]-[hash].js",
    comments: { legal: false },
  });
  await build.close();
  await mkdir(into, { recursive: true });
  await writeFile(join(into, "package.json"), '{ "type": "module" }\n');
  await cp(join(root, "LICENSE"), join(into, "LICENSE"));
}

if (import.meta.main) {
  const root = resolve(import.meta.dirname, "..");
  await bundle(root, join(root, "dist"));
}
