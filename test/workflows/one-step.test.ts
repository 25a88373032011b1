/** The action at the root of the repository, which does everything in one step, in workflows as people would write them. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describeRun, type ImageFiles, renderMarkdown, SCAN_FILES, stepOf, type WorkflowRun } from "@belay/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { EXAMPLE, PERMISSIONS, STAGE_MS, TOKEN, WorkflowStage } from "./workflow-stage.ts";

const WORKFLOW = ".github/workflows/one-step.yml";
const PULL_REQUEST = 8;
const READ_ONLY = "ghs_readonly000000000000000000000000000000";
/** May write to the dependency graph, too. */
const WRITER = "ghs_writer00000000000000000000000000000000";

/** On a pull request, the branch itself and not GitHub's merge commit. */
const TEXT = `
name: One step
on: pull_request
permissions: {}
jobs:
  all:
    runs-on: ubuntu-latest
    environment: { name: staging, deployment: false }
    steps:
      - uses: actions/checkout@${"1".repeat(40)}
        with: { persist-credentials: false, ref: "\${{ github.event.pull_request.head.sha }}", fetch-depth: 100 }
      - uses: docker/login-action@${"1".repeat(40)}
        with: { registry: "\${{ vars.REGISTRY }}", username: "\${{ github.actor }}", password: "\${{ secrets.REGISTRY_PASSWORD }}" }
      - id: belay
        uses: belay-deploy/belay@${"1".repeat(40)}
        with:
          environment: staging
          variables: "\${{ vars.BELAY_VARIABLES }}"
          stable: 1s
          scan-upload: sarif,dependencies
          scan-formats: cyclonedx,spdx-json
          test-reports: /reports
      - id: after
        if: always()
        env: { OUTCOME: "\${{ steps.belay.outputs.outcome }}" }
        run: echo "seen=$OUTCOME" >> "$GITHUB_OUTPUT"
`;

/** A step of a Dockerfile that fails leaves no files behind. */
const TESTS = `RUN ["node", "--test", "shop.test.mjs"]`;
const REPORTED =
  "RUN mkdir /reports && (node --test --test-reporter=junit shop.test.mjs > /reports/junit.xml || echo $? > /reports/exit-code)";

const LIBRARIES = ["pkg:npm/lodash@4.17.11", "pkg:npm/minimist@1.2.0"] as const;

/** Debian's database of packages as images without a shell have it: a file per package. */
const OLD_GLIBC = `Package: libc6
Status: install ok installed
Maintainer: Nobody <nobody@belay.invalid>
Architecture: amd64
Source: glibc
Version: 2.36-9
Description: for tests
`;
const GLIBC = { "var/lib/dpkg/status.d/libc6": OLD_GLIBC };

let stage: WorkflowStage;
/** Without what tests put into the image. */
let dockerfile: string;

beforeAll(async () => {
  stage = await WorkflowStage.open();
  const path = join(stage.repository.folder, WORKFLOW);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, TEXT);
  const text = await readFile(join(EXAMPLE, "web/Dockerfile"), "utf8");
  expect(text).toContain(TESTS);
  dockerfile = text.replace(TESTS, REPORTED);
  await writeFile(join(stage.repository.folder, "web/Dockerfile"), dockerfile);
  stage.github.addToken({ token: READ_ONLY, permissions: { contents: "read" } });
  stage.github.addToken({ token: WRITER, permissions: { ...PERMISSIONS, contents: "write" } });
}, STAGE_MS);
afterAll(() => stage?.[Symbol.asyncDispose]());

const open = (sha: string, token?: string): Promise<WorkflowRun> =>
  stage.run({
    workflow: WORKFLOW,
    eventName: "pull_request",
    event: {
      action: "synchronize",
      number: PULL_REQUEST,
      pull_request: {
        number: PULL_REQUEST,
        head: { sha, ref: "climbers", repo: { full_name: "acme/shop", fork: false } },
        base: { ref: "main", repo: { full_name: "acme/shop" } },
      },
    },
    ...(token === undefined ? {} : { token }),
  });

/** Files of a commit whose image has these in it, each of a layer of its own, and whose gate has these settings. */
function holding(
  parts: Readonly<Record<string, ImageFiles>>,
  scan: object,
): Record<string, string | ((text: string) => string)> {
  const copied = Object.keys(parts).map((name) => `COPY ${name}/ /\n`);
  const files = Object.entries(parts).flatMap(([name, all]) =>
    Object.entries(all).map(([path, text]) => [`web/${name}/${path}`, String(text)] as const),
  );
  return {
    ...Object.fromEntries(files),
    "web/Dockerfile": `${dockerfile}${copied.join("")}`,
    "belay.yaml": (text) => `${text}scan: ${JSON.stringify(scan)}\n`,
  };
}

/** What the registry gives, as whoever has its password asks. */
async function registryGet(path: string): Promise<Response> {
  const authorization = `Basic ${Buffer.from(`ada:${TOKEN}`).toString("base64")}`;
  const accept = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json";
  return fetch(`${stage.registry.url}/v2/acme/shop-web/${path}`, { headers: { authorization, accept } });
}

interface Artifact {
  readonly subject?: { readonly digest: string };
  readonly layers: readonly { readonly digest: string }[];
}

/** The documents of a kind that stand beside an image, found as anybody finds them: by the list under its tag. */
async function documentsBeside(digest: string, artifactType: string): Promise<unknown[]> {
  const list = await registryGet(`manifests/${digest.replace(":", "-")}`);
  const { manifests } = (await list.json()) as { manifests: { digest: string; artifactType?: string }[] };
  const found = manifests.filter((one) => one.artifactType === artifactType);
  return Promise.all(
    found.map(async (one) => {
      const { subject, layers } = (await (await registryGet(`manifests/${one.digest}`)).json()) as Artifact;
      expect(subject?.digest).toBe(digest);
      expect(layers).toHaveLength(1);
      return (await registryGet(`blobs/${layers[0]?.digest}`)).json();
    }),
  );
}

it("brings a pull request's head to the engine and tells the pull request", async () => {
  const parts = { lodash: SCAN_FILES.oldLodash, minimist: SCAN_FILES.oldMinimist };
  const sha = await stage.commitFiles(PULL_REQUEST, "Greet climbers", holding(parts, { "fail-on": [] }));
  const run = await open(sha, WRITER);
  expect(run.conclusion, describeRun(run)).toBe("success");
  const { outputs } = stepOf(run, "all", "belay");
  const seen = await stage.lookFromOutside();
  expect(outputs).toMatchObject({ outcome: "succeeded", "exit-code": "0", revision: sha, image: seen.images[0] });
  expect(JSON.parse(outputs.tags ?? "{}")).toEqual({ web: [`sha-${sha.slice(0, 12)}`, `pr-${PULL_REQUEST}`] });
  expect(seen.commits).toEqual([sha]);
  expect(outputs["comment-url"]).toContain(`/acme/shop/pull/${PULL_REQUEST}#issuecomment-`);
  expect(stepOf(run, "all", "after").outputs.seen).toBe("succeeded");
  expect(stage.github.comments(PULL_REQUEST)).toHaveLength(1);
  expect(stage.states()).toEqual(["success"]);
  expect(outputs).toMatchObject({ "scan-result": "passed" });
  const comment = stage.github.comments(PULL_REQUEST)[0]?.body ?? "";
  expect(comment).toContain("<summary>Scan: passed");
  expect(renderMarkdown(comment)).toContain("web (2 passed)");
  // Of all severities, though none of them fails, where GitHub looks for those of the pull request.
  const [analysis, ...others] = stage.github.analyses();
  expect(others).toEqual([]);
  expect(analysis).toMatchObject({ commit: sha, ref: `refs/pull/${PULL_REQUEST}/merge` });
  expect(analysis?.sarif).toMatchObject({ runs: [{ tool: { driver: { name: "Trivy" } } }] });
  const [of] = (analysis?.sarif.runs ?? []) as { results: { ruleId: string; level: string }[] }[];
  expect(of?.results.map(({ ruleId, level }) => `${ruleId} ${level}`).sort()).toEqual([
    ...["CVE-2019-10744 error", "CVE-2020-7598 warning", "CVE-2021-23337 error"],
  ]);
});

it("gives GitHub's dependency graph what is in the image, and puts its bills of materials beside it", async () => {
  const [image = ""] = (await stage.lookFromOutside()).images;
  const digest = image.slice(image.indexOf("@") + 1);
  const [{ sha, job, manifests } = {}, ...others] = stage.github.snapshots();
  expect(others).toEqual([]);
  expect(sha).toBe((await stage.repository.git("rev-parse", "HEAD")).trim());
  expect(job).toMatchObject({ correlator: "belay/shop/web-linux-amd64" });
  for (const purl of LIBRARIES) expect(JSON.stringify(manifests)).toContain(purl);

  const [cyclonedx, ...more] = await documentsBeside(digest, "application/vnd.cyclonedx+json");
  const [spdx, ...evenMore] = await documentsBeside(digest, "application/spdx+json");
  expect([...more, ...evenMore]).toEqual([]);
  const { components } = cyclonedx as { components: { purl?: string }[] };
  expect(components.map(({ purl }) => purl)).toEqual(expect.arrayContaining([...LIBRARIES]));
  expect(spdx).toMatchObject({ spdxVersion: expect.stringMatching(/^SPDX-2/) });
  for (const purl of LIBRARIES) expect(JSON.stringify(spdx)).toContain(purl);
  // What is wrong with it goes to code scanning, and not to everybody who can read the image.
  expect(JSON.stringify([cyclonedx, spdx])).not.toMatch(/cve-/i);
});

it("stops at a failing test: nothing is pushed, nothing on the engine is touched", async () => {
  const before = await stage.lookFromOutside();
  const sha = await stage.commit(PULL_REQUEST, "Give a discount", "web/shop.mjs", (text) =>
    text.replace("cents / 100", "cents / 200"),
  );
  const run = await open(sha);
  expect(run.conclusion).toBe("failure");
  expect(stepOf(run, "all", "belay").outputs).toMatchObject({ outcome: "tests_failed", "exit-code": "15" });
  expect(stepOf(run, "all", "after").outputs.seen).toBe("tests_failed");
  expect(stepOf(run, "all", "belay").annotations).toContainEqual(
    expect.objectContaining({
      level: "error",
      title: expect.stringContaining("prices have two decimals"),
      file: "web/shop.test.mjs",
      line: 6,
    }),
  );
  expect(await stage.lookFromOutside()).toEqual(before);
  expect((await registryGet(`manifests/sha-${sha.slice(0, 12)}`)).status).toBe(404);
});

it("deploys all the same when GitHub may not be written to, and puts the report into the summary", async () => {
  const sha = await stage.commit(PULL_REQUEST, "Greet everybody", "web/shop.mjs", (text) =>
    text.replace("the shop", "everybody's shop"),
  );
  const comments = JSON.stringify(stage.github.comments(PULL_REQUEST));
  const run = await open(sha, READ_ONLY);
  expect(run.conclusion, describeRun(run)).toBe("success");
  const belay = stepOf(run, "all", "belay");
  expect(belay.outputs).toMatchObject({ outcome: "succeeded", deployment: "2" });
  expect((await stage.lookFromOutside()).commits).toEqual([sha]);
  expect(await stage.visit()).toContain("everybody's shop");
  expect(belay.summary).toContain(sha.slice(0, 7));
  expect(belay.summary).toContain("deployments: write");
  expect(belay.annotations.map((note) => note.message).join("\n")).toContain("security-events: write");
  expect(JSON.stringify(stage.github.comments(PULL_REQUEST))).toBe(comments);
});

it("tells the pull request what a change brings in, what it fixes and what was there, and where each comes from", async () => {
  const before = await stage.lookFromOutside();
  const parts = { minimist: SCAN_FILES.oldMinimist, libc: GLIBC };
  const sha = await stage.commitFiles(PULL_REQUEST, "Do without lodash", holding(parts, { "only-new": true }));
  const run = await open(sha);
  expect(run.conclusion, describeRun(run)).toBe("failure");
  expect(stepOf(run, "all", "belay").outputs).toMatchObject({ outcome: "vulnerabilities_found", "exit-code": "10" });
  expect(await stage.lookFromOutside()).toEqual(before);
  const comment = stage.github.comments(PULL_REQUEST)[0]?.body ?? "";
  expect(comment).toContain("| `web` | **vulnerable** | 2 | 2 | 1 | 1 finding lets the scan fail |");
  const row = (change: string, severity: string, id: string, ...cells: readonly string[]): string =>
    `| ${[change, severity, `[\`${id}\`](https://avd.aquasec.com/nvd/${id.toLowerCase()})`, ...cells].join(" | ")} |`;
  const rows = comment.split("\n").filter((line) => line.includes("avd.aquasec.com"));
  const [libc, lodash] = [["`libc6 2.36-9`"], ["`lodash 4.17.11`"]];
  expect(rows).toEqual([
    row("**new**, **fails**", "HIGH", "CVE-2023-4911", ...libc, "fixed in 2.36\\-9\\+deb12u3", "`COPY libc/ /`"),
    row("**new**", "LOW", "CVE-2010-4756", ...libc, "no fix \\(affected\\)", "`COPY libc/ /`"),
    row("fixed", "CRITICAL", "CVE-2019-10744", ...lodash, "fixed in 4.17.12", "`COPY lodash/ /`"),
    row("fixed", "HIGH", "CVE-2021-23337", ...lodash, "fixed in 4.17.21", "`COPY lodash/ /`"),
    row("unchanged", "MEDIUM", "CVE-2020-7598", "`minimist 1.2.0`", "fixed in 1.2.3", "`COPY minimist/ /`"),
  ]);
  // The line that brought in what fails.
  const text = await readFile(join(stage.repository.folder, "web/Dockerfile"), "utf8");
  const line = text.split("\n").indexOf("COPY libc/ /") + 1;
  const title = "HIGH CVE-2023-4911 in web";
  const { annotations } = stepOf(run, "all", "belay");
  expect(annotations).toContainEqual(expect.objectContaining({ level: "error", title, file: "web/Dockerfile", line }));
});
