import { DEFAULT_ROLLOUT, type Finding } from "@belay/core";
import { expect, it } from "vitest";
import type { ImageCache } from "../containers/image-digests.ts";
import { container, EXITED } from "../testing/containers.ts";
import type { PlannedService } from "./plan-detail.ts";
import { preflight } from "./preflight.ts";

const PUSHED = [`ghcr.io/acme/shop@sha256:${"a".repeat(64)}`];

interface Case {
  /** What the engine says of the image that runs; `null`: it does not have it any more. */
  readonly repoDigests?: readonly string[] | null;
  /** By which name its container was made. */
  readonly image?: string;
  readonly state?: Parameters<typeof container>[1] & object;
  readonly action?: PlannedService["action"];
  readonly registry?: "yes" | "no" | "cannot tell";
}

async function check({ repoDigests = [], image = "shop:1", state, action = "update", registry }: Case) {
  const known = repoDigests === null ? undefined : { Id: "sha256:aa", RepoDigests: repoDigests };
  const images = { find: async () => known } as unknown as ImageCache;
  const current = [container("1", { config: { Image: image } as never, ...state })];
  const service = {
    service: "web",
    name: "web",
    action,
    goal: "run",
    image: "new",
    current,
  } as unknown as PlannedService;
  const project = { name: "shop", services: { web: {} } };
  const plan = { project, services: [service], missingDependencies: [], companions: [], labelledDeployment: 0 };
  const docker = { images: { inspect: async () => ({}) } } as never;
  return preflight(
    plan,
    DEFAULT_ROLLOUT,
    { docker, ...(registry && { imageAvailable: async () => registry }) },
    images,
  );
}

function found(findings: readonly Finding[]): readonly string[] {
  return findings.map(({ level, check: name }) => `${level} ${name}`);
}

it("warns of a running image that was built or loaded on the engine: once it is pruned nothing brings it back", async () => {
  const [finding] = await check({});
  expect(finding).toMatchObject({ level: "warn", check: "local_image", service: "web" });
  expect(finding?.message).toMatch(/^the image that runs now \(shop:1\) .*no registry/);
  expect(finding?.remedy).toContain("Push it");
});

it.each<[string, Case]>([
  ["a registry is known for it", { repoDigests: PUSHED }],
  ["it runs by its digest, under which it can be pulled again", { image: PUSHED[0] ?? "" }],
  ["nothing of the service is touched", { action: "unchanged" }],
  ["its container does not run", { state: { state: EXITED } }],
])("says nothing where %s", async (_, one) => {
  expect(await check(one)).toEqual([]);
});

it.each<[string, Case, readonly string[]]>([
  ["goes on when the registry has what the engine lost", { repoDigests: null, registry: "yes" }, []],
  ["refuses when nobody has it any more", { repoDigests: null, registry: "no" }, ["refuse no_way_back"]],
  ["can't tell where there is no registry to ask", { repoDigests: null }, ["cannot tell no_way_back"]],
])("%s", async (_, one, expected) => {
  expect(found(await check(one))).toEqual(expected);
});
