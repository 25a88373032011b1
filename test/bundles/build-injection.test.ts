import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { mapBounded } from "@belay/core";
import { type TemporaryFolder, temporaryFolder } from "@belay/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { bundle } from "../../scripts/bundle.ts";
import { ROOT, readText } from "../structure/source-files.ts";
import { runBundle } from "./run-bundle.ts";

/** Every input of the action, with what it takes when it is right: `V` stands for the value that is tried. */
const SHAPES: Readonly<Record<string, readonly string[]>> = {
  "build-args": ["A=V"],
  "build-contexts": ["a=V"],
  "cache-from": ["type=local,src=V", "V"],
  "cache-to": ["type=local,dest=V", "V"],
  labels: ["a=V", "V=a"],
  annotations: ["a=V", "V=a"],
  "secret-envs": ["a=V"],
  "secret-files": ["a=V", "V=belay.yaml"],
  ssh: ["a=V", "V"],
  variables: ["A=V"],
  tags: ["type=raw,value=V", "V", "type=match,pattern=V", "type=raw,value={{V}}"],
  flavor: ["prefix=V", "V"],
};
const HOSTILE = [
  "$(touch hostile) `touch hostile`; touch hostile & touch hostile | touch hostile",
  "x\n::set-output name=outcome::succeeded\n::error::x\n--push",
  "--output=type=registry",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: that is what is tried
  "é\u202e\u2028\ud83d\ude00 ' \" \\ % ${HOME} ${{ x }}",
];
const OPTION =
  /^--(progress=plain|builder=own|output=type=(oci|cacheonly|local)\b.*|output="?type=oci.*|metadata-file=.*|iidfile=.*|file=.*|target=.*|platform=.*|build-arg=.*|label=.*|build-context=.*|ssh=.*|cache-from=.*|cache-to=.*|secret=id=.*|annotation=.*|attest=type=.*|pull|no-cache)$/s;

const names = Object.keys((parse(readText("actions/build/action.yml")) as { inputs: object }).inputs);
let folder: TemporaryFolder;
let bin: string;
let repository: string;

/** A `docker` with a builder of its own that writes down what it is asked: words end in one zero byte, calls in two. */
const DOCKER = `#!/bin/sh
printf '%s\\0' "$@" >> "$BELAY_TEST_CALLS"
printf '\\0' >> "$BELAY_TEST_CALLS"
case "$1 $2" in "buildx inspect") printf 'Name: own\\nDriver: remote\\n';; buildx*) ;; *) exit 1;; esac
`;
const CONFIG = "version: 1\napplication: shop\nservices: { web: { image: a.invalid/web, build: { context: . } } }\n";

beforeAll(async () => {
  folder = await temporaryFolder("belay-injection");
  await bundle(ROOT, join(folder.path, "dist"));
  bin = join(folder.path, "bin");
  repository = join(folder.path, "repo");
  for (const path of [bin, repository]) await mkdir(path);
  await writeFile(join(bin, "docker"), DOCKER, { mode: 0o755 });
  await writeFile(join(repository, "Dockerfile"), "FROM scratch AS test\n");
  await writeFile(join(repository, "belay.yaml"), CONFIG);
  const git = ["-c", "user.name=a", "-c", "user.email=a@b.example"];
  for (const words of [
    ["init", "--quiet"],
    ["add", "."],
    ["commit", "--quiet", "--message", "first"],
  ]) {
    await promisify(execFile)("git", [...git, ...words], { cwd: repository });
  }
});
afterAll(() => folder?.remove());

interface Tried {
  readonly calls: readonly (readonly string[])[];
  readonly stdout: string;
  readonly outcome: string | undefined;
}

async function attempt(name: string, value: string, at: string): Promise<Tried> {
  const calls = join(folder.path, `calls-${at}`);
  await writeFile(calls, "");
  const { stdout, outputs } = await runBundle("build/index", {
    dist: join(folder.path, "dist"),
    cwd: repository,
    inputs: { "allow-dirty": "true", "fail-on": "never", [name]: value },
    env: { PATH: `${bin}:${process.env.PATH}`, BELAY_TEST_CALLS: calls },
  });
  const asked = (await readFile(calls, "utf8")).split("\0\0").filter((call) => call !== "");
  return { calls: asked.map((call) => call.split("\0")), stdout, outcome: outputs.outcome };
}

describe("every input of the build", () => {
  it("reaches the builder when it is right, so that what follows means something", async () => {
    const { calls } = await attempt("build-args", "A=b", "right");
    expect(calls.at(-1)).toContain("--build-arg=A=b");
  });

  it.each(names)("%s is data, whatever it holds", async (name) => {
    const values = (SHAPES[name] ?? ["V"]).flatMap((shape) => HOSTILE.map((text) => shape.replace("V", () => text)));
    await mapBounded([...values.entries()], 3, undefined, async ([index, value]) => {
      const { calls, stdout, outcome } = await attempt(name, value, `${name}-${index}`);
      const at = `${JSON.stringify(value)}: ${stdout.slice(-1_500)}`;
      expect(outcome, at).not.toBe("internal_error");
      expect(outcome, at).not.toBe("succeeded");
      const commands = stdout.split("\n").filter((line) => /^\s*(::|##\[)/.test(line));
      for (const line of commands) expect(line, at).toMatch(/^::(error|warning|group|endgroup|debug|add-mask)[ :]/);
      expect(commands.join("\n"), at).not.toMatch(/^::(error|warning)[^\n]*::x$/m);
      for (const words of calls.filter((call) => call[1] === "build")) {
        const end = words.indexOf("--");
        expect(words.slice(end), at).toHaveLength(2);
        for (const word of words.slice(2, end)) expect(word, at).toMatch(OPTION);
      }
      for (const words of calls.filter((call) => call[1] !== "build")) {
        expect(words.join(" "), at).toMatch(/^(buildx inspect( own)?|buildx version|--version|system dial-stdio)$/);
      }
    });
    const files = await readdir(folder.path, { recursive: true });
    expect(files.filter((file) => file.includes("hostile"))).toEqual([]);
  });
});
