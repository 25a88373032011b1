import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { OVERRIDE_INPUTS, SCAN_INPUTS } from "@belay/config";
import { Inputs } from "@belay/core";
import {
  loadBuildInputs,
  loadDeployInputs,
  loadPipelineInputs,
  loadPruneInputs,
  loadPushInputs,
  loadReportInputs,
  loadRollbackInputs,
  loadScanInputs,
  loadSignInputs,
} from "@belay/pipeline";
import { MOST_PLATFORMS, TRIVY_ACTION_RULES } from "@belay/scan";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { ENTRIES } from "../../scripts/bundle.ts";
import { projectFiles, ROOT, readText } from "./source-files.ts";

interface ActionFile {
  readonly inputs: Readonly<Record<string, { readonly description: string; readonly default?: string }>>;
  readonly outputs: Readonly<Record<string, { readonly description: string }>>;
  readonly runs: { readonly using: string; readonly main: string; readonly post?: string };
}

interface WrapperStep {
  readonly uses?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly run?: string;
  readonly with?: Readonly<Record<string, string>>;
}

/** A composite action. */
const WRAPPER = "actions/trivy/action.yml";

/** Inputs that `runAction` itself reads. */
const RUNTIME = ["fail-on", "github-token", "working-directory"];

const LOADERS: Readonly<Record<string, (inputs: Inputs) => unknown>> = {
  "action.yml": (inputs) => [loadPipelineInputs(inputs), loadSignInputs(inputs)],
  "actions/build/action.yml": loadBuildInputs,
  "actions/scan/action.yml": loadScanInputs,
  "actions/push/action.yml": loadPushInputs,
  "actions/prune/action.yml": loadPruneInputs,
  "actions/sign/action.yml": loadSignInputs,
  "actions/deploy/action.yml": loadDeployInputs,
  "actions/plan/action.yml": loadDeployInputs,
  "actions/report/action.yml": loadReportInputs,
  "actions/rollback/action.yml": loadRollbackInputs,
};

/** Names that a loader asks for. */
function namesRead(load: (inputs: Inputs) => unknown): Set<string> {
  const names = new Set(RUNTIME);
  load(
    new Inputs((name) => {
      names.add(name);
      return undefined;
    }),
  );
  return names;
}

describe("action files", () => {
  it("are all known here", () => {
    expect(
      projectFiles("*action.yml")
        .filter((path) => !path.startsWith("test/"))
        .sort(),
    ).toEqual([...Object.keys(LOADERS), WRAPPER].sort());
  });

  it("let the wrapper of trivy-action know all inputs of that, and run bundles that exist", () => {
    const { inputs, outputs, runs } = parse(readText(WRAPPER)) as ActionFile & { runs: { steps: WrapperStep[] } };
    const known = [...Object.keys(TRIVY_ACTION_RULES), "platforms", "checksum", "mirror"];
    expect(Object.keys(inputs).sort()).toEqual(known.sort());
    expect(Object.keys(outputs)).toEqual(expect.arrayContaining(["outcome", "exit-code", "report"]));
    const scripts = runs.steps.flatMap(({ run }) => run ?? []);
    expect(scripts).toHaveLength(2);
    for (const script of scripts) {
      // One fixed line without any expression: nothing that a user wrote can be a part of it.
      const [, name] =
        /^import\(`file:\/\/\$\{process\.env\.GITHUB_ACTION_PATH\}\/\.\.\/\.\.\/dist\/(\w+\/\w+)\.js`\)$/.exec(
          script,
        ) ?? [];
      expect(Object.keys(ENTRIES)).toContain(name);
    }
    const scans = runs.steps.filter(({ uses }) => uses !== undefined);
    expect(scans).toHaveLength(MOST_PLATFORMS);
    for (const { env = {}, with: given = {} } of scans) {
      expect(env.TRIVY_IMAGE_CONFIG_SCANNERS).toMatch(/steps\.check\.outputs\.image-config-scanners/);
      expect(given).toMatchObject({
        format: "json",
        "exit-code": "0",
        "skip-setup-trivy": "true",
        "scan-type": "image",
      });
      expect(Object.keys(given).filter((name) => TRIVY_ACTION_RULES[name] === undefined)).toEqual([]);
      expect(
        Object.values(given).filter((value) => /\$\{\{(?! steps\.check\.outputs\.[\w-]+ \}\})/.test(value)),
      ).toEqual([]);
    }
  });

  it.each(Object.entries(LOADERS))(
    "%s has only inputs that are read, with the words of the reference",
    (path, load) => {
      const { inputs } = parse(readText(path)) as ActionFile;
      const read = namesRead(load);
      expect(Object.keys(inputs).filter((name) => !read.has(name))).toEqual([]);
      for (const [name, description] of Object.entries({ ...OVERRIDE_INPUTS, ...SCAN_INPUTS })) {
        if (inputs[name] !== undefined) expect(inputs[name].description).toBe(description);
      }
    },
  );

  it.each(Object.keys(LOADERS))("%s runs bundles that exist, on Node 24", (path) => {
    const { runs, outputs } = parse(readText(path)) as ActionFile;
    expect(runs.using).toBe("node24");
    for (const file of [runs.main, runs.post].filter((one) => one !== undefined)) {
      const fromRoot = join(dirname(path), file);
      expect(Object.keys(ENTRIES)).toContain(fromRoot.replace(/^dist\//, "").replace(/\.js$/, ""));
      expect(existsSync(join(ROOT, fromRoot))).toBe(true);
    }
    expect(Object.keys(outputs)).toEqual(expect.arrayContaining(["outcome", "exit-code"]));
  });

  it("lets the whole pipeline take every input that its parts take", () => {
    const whole = (parse(readText("action.yml")) as ActionFile).inputs;
    for (const path of Object.keys(LOADERS).filter((one) => !/rollback|prune/.test(one))) {
      const part = (parse(readText(path)) as ActionFile).inputs;
      // Whoever has reports already has steps of their own.
      const apart = path === "actions/scan/action.yml" ? ["report"] : [];
      expect(Object.keys(part).filter((name) => whole[name] === undefined)).toEqual(apart);
    }
    const all = Object.keys({ ...OVERRIDE_INPUTS, ...SCAN_INPUTS });
    expect(all.filter((name) => whole[name] === undefined)).toEqual([]);
    const scan = (parse(readText("actions/scan/action.yml")) as ActionFile).inputs;
    expect(Object.keys(SCAN_INPUTS).filter((name) => scan[name] === undefined)).toEqual([]);
  });

  it("let everything that goes to a target say where it is and how it is watched in the same inputs", () => {
    const build = Object.keys((parse(readText("actions/build/action.yml")) as ActionFile).inputs);
    const shared = ["application", "service", "image", "variables"];
    const wanted = Object.keys(OVERRIDE_INPUTS).filter((name) => shared.includes(name) || !build.includes(name));
    /** A rollback never is a first deployment, and being older is its purpose. */
    const apart: Readonly<Record<string, readonly string[]>> = {
      "actions/rollback/action.yml": ["allow-older", "on-first-failure"],
    };
    for (const path of [
      "action.yml",
      ...["plan", "deploy", "report", "rollback"].map((name) => `actions/${name}/action.yml`),
    ]) {
      const { inputs } = parse(readText(path)) as ActionFile;
      const missing = wanted.filter((name) => inputs[name] === undefined);
      expect(missing.sort(), path).toEqual(apart[path] ?? []);
    }
  });
});
