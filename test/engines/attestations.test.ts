/**
 * Attestations of a build, as actions/attest-build-provenance leaves them: beside the image in a real registry, and at a
 * simulated GitHub. Sigstore, public and GitHub's own, is simulated; the real cosign takes the same bundles.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createRunner, type Digest, isDigest, Redactor, systemClock } from "@belay/core";
import { createGitHub } from "@belay/github";
import {
  attachArtifact,
  createAuthenticator,
  createRegistryClient,
  insecureRegistries,
  type RegistryClient,
} from "@belay/registry";
import { BUNDLE, checkIdentity, type IdentityRequirement } from "@belay/sign";
import {
  createTestLog,
  ensureTools,
  type GitHubRig,
  makeImageLayout,
  type ReferrersRegistry,
  type RegistryRig,
  type SigstoreRig,
  startGitHub,
  startReferrersRegistry,
  startRegistry,
  startSigstore,
  type TemporaryFolder,
  temporaryFolder,
} from "@belay/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

const SHARED = "https://github.com/acme/workflows/.github/workflows/build.yml@refs/tags/v2";
const WORKFLOW = "https://github.com/acme/shop/.github/workflows/deploy.yml@refs/heads/main";

const redactor = new Redactor();
const run = createRunner(redactor);
const log = createTestLog(redactor);
let cosign: string;
let place: TemporaryFolder;
let registry: RegistryRig;
/** It has the referrers API. */
let linking: ReferrersRegistry;
let sigstore: SigstoreRig;
let own: SigstoreRig;
let github: GitHubRig;
let client: RegistryClient;
let made = 0;
/** Trusted roots: Sigstore's, GitHub's own, and both as `gh attestation trusted-root` writes them. */
const roots = { public: "", own: "", both: "" };

beforeAll(async () => {
  ({ cosign } = await ensureTools(["cosign"]));
  place = await temporaryFolder("belay-attestations-test");
  registry = await startRegistry();
  linking = await startReferrersRegistry();
  sigstore = await startSigstore();
  own = await startSigstore({ kind: "private" });
  github = await startGitHub({ tokens: [{ token: "ghs_test", permissions: { attestations: "read" } }] });
  for (const name of ["public", "own", "both"] as const) roots[name] = join(place.path, `${name}.json`);
  await writeFile(roots.public, sigstore.trustedRoot);
  await writeFile(roots.own, own.trustedRoot);
  await writeFile(roots.both, `${sigstore.trustedRoot}\n${own.trustedRoot}\n`);
  const auth = createAuthenticator({ env: { DOCKER_CONFIG: place.path }, runner: run, redactor });
  client = createRegistryClient({ auth, redactor, log, clock: systemClock, insecure: insecureRegistries() });
}, 30 * 60_000);

afterAll(async () => {
  client?.close();
  await github?.close();
  await own?.[Symbol.asyncDispose]();
  await sigstore?.[Symbol.asyncDispose]();
  await linking?.stop();
  await registry?.stop();
  await place?.remove();
});

beforeEach(() => {
  for (const one of [sigstore, own]) Object.assign(one, { identity: WORKFLOW, repository: "acme/shop" });
});

interface Pushed {
  readonly repository: string;
  readonly digest: Digest;
}

async function image(at: Pick<RegistryRig, "url"> = registry): Promise<Pushed> {
  const name = `acme/attested-${++made}`;
  const layout = await makeImageLayout(join(place.path, name.replace("/", "-")), {
    "linux/amd64": [{ "app/name": name }],
    "linux/arm64": [{ "app/name": name }],
  });
  const [repository = "", digest = ""] = (await layout.push(at.url, name)).split("@");
  if (!isDigest(digest)) throw new Error(`${digest} is no digest`);
  return { repository, digest };
}

const attest = ({ repository, digest }: Pushed, at = sigstore, predicateType?: string) =>
  at.attest({ digest, name: repository, ...(predicateType === undefined ? {} : { predicateType }) });

/** As `push-to-registry: true` does. */
async function putBeside({ repository, digest }: Pushed, bundle: object): Promise<void> {
  const artifact = { artifactType: BUNDLE, bytes: Buffer.from(JSON.stringify(bundle)) };
  await attachArtifact({ registry: client, repository, subject: digest, artifact, clock: systemClock, log });
}

const check = ({ repository, digest }: Pushed, more: Partial<IdentityRequirement> = {}) => {
  const requirement = { identity: WORKFLOW, issuer: sigstore.issuer, trustedRoot: roots.public, ...more };
  return checkIdentity(client, repository, digest, requirement, async () => {
    const asked = { token: "ghs_test", apiUrl: github.apiUrl, repository: "acme/shop" };
    const found = await createGitHub({ ...asked, redactor, log, clock: systemClock }).attestations(digest);
    return found.done ? { bundles: found.value } : { bundles: [], note: found.deferred.message };
  });
};

const refused = (words: string) => ({ signed: false, why: expect.stringContaining(words) });
const taken = { signed: true, by: `${WORKFLOW}, which built it in https://github.com/acme/shop` };

describe("an attestation of the build", () => {
  it.each([
    ["under its tag", () => registry, 0],
    ["by the referrers API", () => linking, 1],
  ] as const)("beside the image, found %s, is taken by ours and by cosign", async (_, at, linked) => {
    const pushed = await image(at());
    const bundle = await attest(pushed);
    await putBeside(pushed, bundle);
    expect((await client.referrers(pushed.repository, pushed.digest)) ?? []).toHaveLength(linked);
    expect(await check(pushed)).toEqual(taken);
    const verified = await run(
      cosign,
      [
        ...["verify-attestation", "--new-bundle-format", "--trusted-root", roots.public, "--type", "slsaprovenance1"],
        ...["--certificate-identity", WORKFLOW, "--certificate-oidc-issuer", sigstore.issuer],
        `${pushed.repository}@${pushed.digest}`,
      ],
      {
        env: { HOME: place.path, DOCKER_CONFIG: place.path },
        inherit: ["PATH"],
        deadlineMs: 120_000,
        allowedExitCodes: [0, 1, 10, 11, 12, 13],
      },
    );
    expect(verified.exitCode, verified.stderr).toBe(0);
  });

  it.each(["inline", "stored"] as const)("that GitHub keeps (%s) is taken", async (where) => {
    const pushed = await image();
    expect(await check(pushed)).toEqual({ signed: false, why: "it has no signature with a certificate" });
    github.addAttestation({ digest: pushed.digest, bundle: await attest(pushed), place: where });
    expect(await check(pushed)).toEqual(taken);
  });

  it("of another image, or that was changed, counts for nothing", async () => {
    const [good, bad] = [await image(), await image()];
    const bundle = await attest(good);
    github.addAttestation({ digest: bad.digest, bundle });
    expect(await check(bad)).toEqual(refused("it is no attestation of this image"));
    const text = JSON.stringify({ ...bundle, dsseEnvelope: changed(bundle.dsseEnvelope, good, bad) });
    await putBeside(bad, JSON.parse(text));
    expect(await check(bad)).toEqual(refused("none of its 2 signatures and attestations counts"));
  });

  it("by another workflow, or that says something else, counts for nothing", async () => {
    const pushed = await image();
    sigstore.identity = WORKFLOW.replace("main", "evil");
    github.addAttestation({ digest: pushed.digest, bundle: await attest(pushed) });
    expect(await check(pushed)).toEqual(refused(`it is of ${WORKFLOW.replace("main", "evil")}`));
    sigstore.identity = WORKFLOW;
    const other = "https://cyclonedx.org/bom";
    github.addAttestation({ digest: pushed.digest, bundle: await attest(pushed, sigstore, other) });
    expect(await check(pushed)).toEqual(refused(`it says something else of the image: ${other}`));
    expect(await check(pushed, { issuer: "https://issuer.example" })).toMatchObject({ signed: false });
  });

  it("by a workflow that others may call counts only for the repository that is named", async () => {
    const pushed = await image();
    Object.assign(sigstore, { identity: SHARED, repository: "eve/shop" });
    await putBeside(pushed, await attest(pushed));
    const ours = { identity: SHARED, repository: "acme/shop" };
    expect(await check(pushed, ours)).toEqual(refused("it was made in https://github.com/eve/shop, not in"));
    sigstore.repository = "acme/shop";
    await putBeside(pushed, await attest(pushed));
    expect(await check(pushed, ours)).toMatchObject({ signed: true });
    expect(await check(pushed, { identity: SHARED })).toEqual(
      refused("not in https://github.com/acme/workflows (`repository` of `require-signature` names another)"),
    );
  });

  it("of a private repository is taken by GitHub's own root, also beside Sigstore's, and else says what is missing", async () => {
    const pushed = await image();
    github.addAttestation({ digest: pushed.digest, bundle: await attest(pushed, own) });
    expect(await check(pushed, { trustedRoot: roots.own })).toEqual(taken);
    expect(await check(pushed, { trustedRoot: roots.both })).toEqual(taken);
    expect(await check(pushed)).toEqual(refused("`gh attestation trusted-root` wrote"));
    const open = await image();
    github.addAttestation({ digest: open.digest, bundle: await attest(open) });
    expect(await check(open, { trustedRoot: roots.both })).toEqual(taken);
    expect(await check(open, { trustedRoot: roots.own })).toMatchObject({ signed: false });
  });

  it("without the proof that it is in a log counts for nothing where the root knows logs", async () => {
    const pushed = await image();
    const bundle = await attest(pushed);
    const material = bundle.verificationMaterial as object;
    github.addAttestation({
      digest: pushed.digest,
      bundle: { ...bundle, verificationMaterial: { ...material, tlogEntries: [] } },
    });
    expect(await check(pushed)).toMatchObject({ signed: false });
    expect(github.violations).toEqual([]);
  });
});

/** An envelope whose payload speaks of another image; its signature stays. */
function changed(envelope: unknown, from: Pushed, to: Pushed): object {
  const { payload, ...rest } = envelope as { payload: string };
  const text = Buffer.from(payload, "base64").toString("utf8").replaceAll(from.digest.slice(7), to.digest.slice(7));
  return { ...rest, payload: Buffer.from(text).toString("base64") };
}
