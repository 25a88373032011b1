/** `actions/build` as a runner runs it, on an application of several services. */
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createRunner, Redactor, readRelease } from "@belay/core";
import {
  type BuildkitRig,
  createRepository,
  ensureTools,
  findProgram,
  programFolders,
  type RegistryRig,
  startBuildkit,
  startRegistry,
  type TemporaryFolder,
  type ThrowawayRepository,
  temporaryFolder,
} from "@belay/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type BundleResult, runBundle } from "./run-bundle.ts";

const SERVICES = ["api", "mail", "web", "worker"];
/** Not the root of the repository. */
const PLACE = "shops/one";
const SHELL = "FROM scratch AS shell\nCOPY --chmod=755 sh /bin/sh\n";
/** A file that the builds of one BuildKit share. */
const SHARED = `--mount=type=cache,id=seen-${process.pid},target=/seen`;
/** Each notes when it begins and ends. The first one waits for another, so that they are at work together. */
const NOTED = `${SHELL}ARG NAME
RUN ${SHARED} echo "+ $NAME" >> /seen/notes; \\
  for i in $(seq 600); do test $(grep -c "^+" /seen/notes) -ge 2 && break; sleep 0.1; done; \\
  echo "this is $NAME"; sleep 1; echo "- $NAME" >> /seen/notes
`;

let buildkit: BuildkitRig;
let registry: RegistryRig;
let repository: ThrowawayRepository;
let folder: TemporaryFolder;
/** There is no engine: images are built into layouts. */
let env: Readonly<Record<string, string>>;
const owned = new AsyncDisposableStack();

beforeAll(async () => {
  folder = owned.adopt(await temporaryFolder("belay-build-services"), (one) => one.remove());
  const { docker, buildx } = await ensureTools(["docker", "buildx"]);
  const config = join(folder.path, "docker");
  await mkdir(join(config, "cli-plugins"), { recursive: true });
  await symlink(buildx, join(config, "cli-plugins/docker-buildx"));
  const PATH = `${dirname(docker)}:${process.env.PATH}`;
  env = { DOCKER_CONFIG: config, DOCKER_HOST: `unix://${join(folder.path, "no-engine")}`, PATH };
  buildkit = owned.use(await startBuildkit());
  await buildkit.addTo(env, "own");
  registry = owned.use(await startRegistry());
  repository = owned.adopt(await createRepository({ slug: "acme/shops" }), (one) => one.remove());
  const busybox = await readFile((await findProgram("busybox", programFolders())) ?? "");
  for (const name of SERVICES) {
    await mkdir(join(repository.folder, PLACE, name), { recursive: true });
    await writeFile(join(repository.folder, PLACE, name, "sh"), busybox);
  }
}, 2_400_000);
afterAll(() => owned.disposeAsync());

/** Commits these Dockerfiles and builds the commit, two services at a time. */
async function build(dockerfileOf: (service: string) => string, release: string): Promise<BundleResult> {
  const services = SERVICES.map(
    (name) =>
      `  ${name}: { image: "${registry.address}/one/{service}", build: { context: ${name}, args: { NAME: ${name} } } }`,
  );
  const environments = "environments: { staging: { target: { kind: compose, files: [compose.yaml] } } }";
  await repository.commit("Build", {
    [`${PLACE}/belay.yaml`]: ["version: 1", "application: shop", "services:", ...services, environments, ""].join("\n"),
    ...Object.fromEntries(SERVICES.map((name) => [`${PLACE}/${name}/Dockerfile`, dockerfileOf(name)])),
  });
  return step("build", { release });
}

/** Runs an action on the commit that is checked out. */
function step(action: string, inputs: Readonly<Record<string, string>>): Promise<BundleResult> {
  const all = { "working-directory": PLACE, builder: "own", "max-parallel": "2", scan: "off", ...inputs };
  return runBundle(`${action}/index`, { inputs: all, env, cwd: repository.folder });
}

/** What stands in each group, by its title. Fails where groups are not one after the other. */
function groupsOf({ stdout }: BundleResult): Map<string, string> {
  const groups = new Map<string, string>();
  let open: string | undefined;
  for (const line of stdout.split("\n")) {
    const title = /^::group::(.*)$/.exec(line)?.[1];
    if (title !== undefined) {
      expect(open, stdout).toBeUndefined();
      expect(groups.has(title), stdout).toBe(false);
      groups.set(title, "");
      open = title;
    } else if (line === "::endgroup::") {
      expect(open, stdout).toBeDefined();
      open = undefined;
    } else if (open !== undefined) groups.set(open, `${groups.get(open)}${line}\n`);
  }
  expect(open, stdout).toBeUndefined();
  return groups;
}

const commandsOf = ({ stdout }: BundleResult, name: string): string[] =>
  stdout.split("\n").filter((line) => new RegExp(`^::${name}\\b`).test(line));

/** What the steps noted, as a build of its own sees it. */
async function notes(): Promise<string[]> {
  const place = join(folder.path, "notes");
  const seen = join(folder.path, "seen");
  await mkdir(place);
  await writeFile(join(place, "sh"), await readFile(join(repository.folder, PLACE, "api/sh")));
  const read = `FROM shell AS read\nRUN ${SHARED} cat /seen/notes > /notes\nFROM scratch\nCOPY --from=read /notes /\n`;
  await writeFile(join(place, "Dockerfile"), `${SHELL}${read}`);
  await createRunner(new Redactor())(
    "docker",
    ["buildx", "build", "--builder=own", `--output=type=local,dest=${seen}`, place],
    { env },
  );
  return (await readFile(join(seen, "notes"), "utf8")).trim().split("\n");
}

it("builds two services at a time and never more, and shows each in a group of its own", async () => {
  const release = join(folder.path, "release.json");
  const result = await build(() => NOTED, release);
  expect(result.exitCode, result.stdout).toBe(0);
  expect(Object.keys((await readRelease(release)).services)).toEqual(SERVICES);

  const noted = await notes();
  expect(noted.toSorted()).toEqual(["+", "-"].flatMap((mark) => SERVICES.map((name) => `${mark} ${name}`)));
  let atWork = 0;
  const counts = noted.map((line) => (atWork += line.startsWith("+") ? 1 : -1));
  expect(Math.max(...counts), noted.join()).toBe(2);

  const groups = groupsOf(result);
  for (const name of SERVICES) {
    const text = groups.get(`Building ${name}`) ?? "";
    expect([...text.matchAll(/^#\d+ [\d.]+ this is (.*)$/gm)].map(([, said]) => said)).toEqual([name]);
  }
});

it("takes what was pushed of the commit before, and says so when it is asked for something else now", async () => {
  const release = join(folder.path, "release.json");
  expect((await step("push", { release })).exitCode).toBe(0);
  const pushed = await readRelease(release);
  const same = await step("build", { release });
  expect(same.stdout).toContain("was built, tested and pushed before: its release is taken as it is.");
  expect(commandsOf(same, "(warning|group)")).toEqual([]);
  expect(await readRelease(release)).toEqual(pushed);

  const other = await step("build", {
    release,
    service: "web",
    "build-args": "NAME=other\nMORE=1",
    "build-target": "shell",
  });
  expect(other.exitCode, other.stdout).toBe(0);
  expect(commandsOf(other, "group")).toEqual([]);
  const [warning, ...others] = commandsOf(other, "warning");
  expect(others).toEqual([]);
  const image = `${registry.address}/one/web:${pushed.services.web?.tags[0]}`;
  const told = "is taken as it was built and pushed before, from other inputs than now (args.MORE, args.NAME, target)";
  expect(warning).toContain(
    `::warning title=web was built from other inputs::web: ${image} ${told}: the tag of commit`,
  );
  expect(warning).toContain("To have it built anew make a new commit");
  const taken = await readRelease(release);
  expect(taken.services).toEqual(pushed.services);
  const { inputs } = pushed.evidence.build ?? {};
  expect(taken.evidence.build).toEqual({ inputs, changed: { web: ["args.MORE", "args.NAME", "target"] } });

  const elsewhere = await step("build", { release, service: "web", "from-image": "web:ci" });
  const names = [...Object.keys(inputs?.web ?? {}), "from"].toSorted().join(", ");
  expect(commandsOf(elsewhere, "warning").join()).toContain(`from other inputs than now (${names}): the tag of commit`);
});

it("annotates the line of the step that failed, and says what became of every service", async () => {
  const lasting = `${SHELL}RUN echo begun && sleep 300\n`;
  const broken = `# syntax of a comment\n${SHELL}ENV WHERE=here\n\nRUN echo "looking $WHERE" && \\\n    echo "no parts left" && exit 3\n`;
  const dockerfiles: Readonly<Record<string, string>> = { mail: lasting, web: broken };
  const result = await build((name) => dockerfiles[name] ?? SHELL, join(folder.path, "failed.json"));
  expect(result.exitCode).toBe(1);
  expect(result.outputs).toMatchObject({ outcome: "build_failed", "exit-code": "14" });
  const line = broken.split("\n").findIndex((text) => text.startsWith("RUN")) + 1;
  const place = `title=Build of web failed,file=${PLACE}/web/Dockerfile,line=${line}`;
  const said = "ended with exit code 3%0Alooking here%0Ano parts left";
  const [annotation, failure, ...others] = commandsOf(result, "error");
  expect(annotation).toMatch(new RegExp(`^::error ${place}::web/Dockerfile:${line}: RUN echo .* ${said}$`));
  expect(failure).toMatch(
    /^::error::building web: web\/Dockerfile:6: .*Its last output:%0Alooking here%0Ano parts left/,
  );
  expect(others).toEqual([]);

  const groups = groupsOf(result);
  expect([...groups.keys()].filter((title) => title.startsWith("Building"))).toEqual([
    ...["Building api", "Building mail", "Building web"],
  ]);
  expect(groups.get("Building web")).toContain("no parts left");
  const told = "Failed: web. Built: api. Stopped before its end: mail. Not begun: worker.";
  expect(result.stdout.split("\n")).toContain(told);
});
