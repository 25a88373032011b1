/** From the push to the target: what is not signed is refused before anything is touched, on a real engine and registry. */
import { generateKeyPairSync } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type CliRun, openShop, runCli, type ShopStage, type SigstoreRig, startSigstore } from "@belay/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

let shop: ShopStage;
let folder: string;
let publicKey: string;

function pair() {
  return generateKeyPairSync("ec", {
    namedCurve: "P-256",
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
}
const ours = pair();

beforeAll(async () => {
  shop = await openShop();
  publicKey = join(shop.temporary.path, "cosign.pub");
  await writeFile(publicKey, ours.publicKey);
  ({ folder } = await runCli(shop, "build"));
  expect(await runCli(shop, "push", { folder })).toMatchObject({ exitCode: 0 });
});
afterAll(() => shop?.[Symbol.asyncDispose]());

const deploy = () => runCli(shop, "deploy", { folder, args: ["--json", "--require-signature", publicKey] });
const signBy = (COSIGN_PRIVATE_KEY: string) =>
  runCli(shop, "sign", { folder, args: ["--json"], env: { COSIGN_PRIVATE_KEY } });

async function containers(): Promise<string> {
  const label = `label=com.docker.compose.project=${shop.project}`;
  return (await shop.engine.docker(["ps", "--all", "--quiet", "--filter", label])).stdout;
}

async function expectRefused(run: CliRun, words: string): Promise<void> {
  expect(run.json, run.stderr).toMatchObject({ outcome: "refused" });
  expect(run.stdout + run.stderr).toContain(words);
  expect(await containers()).toBe("");
}

it("refuses an image that nobody has signed, and changes nothing", async () => {
  await expectRefused(await deploy(), "it has no signature");
  const plan = await runCli(shop, "plan", { folder, args: ["--json", "--require-signature", publicKey] });
  expect(plan.stdout).toContain("signature_missing");
});

it("refuses one that somebody else has signed", async () => {
  expect(await signBy(pair().privateKey)).toMatchObject({ exitCode: 0 });
  await expectRefused(await deploy(), "its signature is not of the key");
});

it("signs with the key of the environment, which is written down nowhere, and objects no longer", async () => {
  const signed = await signBy(ours.privateKey);
  expect(signed.json, signed.stderr).toMatchObject({ outcome: "succeeded" });
  const secret = ours.privateKey.split("\n")[1] ?? "-";
  const written = await Promise.all(
    (await readdir(folder, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => readFile(join(entry.parentPath, entry.name), "utf8")),
  );
  expect([signed.stdout, signed.stderr, ...written].join("\n")).not.toContain(secret);
  const plan = await runCli(shop, "plan", { folder, args: ["--json", "--require-signature", publicKey] });
  expect(plan).toMatchObject({ exitCode: 0 });
  expect(plan.stdout).not.toContain("signature_missing");
});

it("signs as the workflow that this is, and refuses whoever else signed so", async () => {
  await using sigstore = await startSigstore();
  const root = join(shop.temporary.path, "trusted-root.json");
  await writeFile(root, sigstore.trustedRoot);
  const path = join(shop.repository.folder, "belay.yaml");
  const before = await readFile(path, "utf8");
  const requiring = (identity: string): Promise<void> => {
    const lines = `    require-signature: { identity: "${identity}", trusted-root: "${root}" }\n    rollout:`;
    return writeFile(
      path,
      before.replace("    rollout:", () => lines),
    );
  };
  const plan = async (): Promise<string> => (await runCli(shop, "plan", { folder, args: ["--json"] })).stdout;
  try {
    await requiring(sigstore.identity);
    expect(await plan()).toContain("it has no signature with a certificate");
    const args = ["--json", "--fulcio-url", sigstore.url, "--rekor-url", sigstore.url];
    const signed = await runCli(shop, "sign", { folder, args, env: { ...sigstore.env } });
    expect(signed.json, signed.stderr).toMatchObject({ outcome: "succeeded" });
    expect(signed.stdout + signed.stderr).not.toContain("signature-of-nobody");
    expect(await plan()).not.toContain("signature_missing");
    await requiring(sigstore.identity.replace("main", "evil"));
    expect(await plan()).toContain(`it is of ${sigstore.identity}`);
    await expectRefused(await runCli(shop, "deploy", { folder, args: ["--json"] }), `it is of ${sigstore.identity}`);
  } finally {
    await writeFile(path, before);
  }
});

it("takes GitHub's attestation of the build, where the token may read it", async () => {
  await using sigstore = await startSigstore();
  const root = join(shop.temporary.path, "attested-root.json");
  await writeFile(root, sigstore.trustedRoot);
  const path = join(shop.repository.folder, "belay.yaml");
  const before = await readFile(path, "utf8");
  const lines = `    require-signature: { identity: "${sigstore.identity}", trusted-root: "${root}" }\n    rollout:`;
  const changed = before.replace("    rollout:", () => lines);
  const plan = async (token: string): Promise<string> =>
    (await runCli(shop, "plan", { folder, args: ["--json"], env: { GITHUB_TOKEN: token } })).stdout;
  for (const level of ["none", "read"] as const) {
    shop.github.addToken({ token: `ghs_${level}`, permissions: { contents: "read", attestations: level } });
  }
  try {
    await writeFile(path, changed);
    const [image = ""] = Object.values((await readPushed()).services).map(({ repository, digest }) => {
      return `${repository}@${digest}`;
    });
    const [name = "", digest = ""] = image.split("@");
    const none = `GitHub showed none for it in ${shop.github.repository}`;
    expect(await plan("ghs_read")).toContain(none);
    const env = { GITHUB_TOKEN: "ghs_read" };
    await expectRefused(await runCli(shop, "deploy", { folder, args: ["--json"], env }), none);
    shop.github.addAttestation({ digest, bundle: await sigstore.attest({ digest, name }) });
    expect(await plan("ghs_none")).toContain("`permissions: attestations: read`");
    expect(await plan("")).toContain("GitHub was not asked for attestations, because there is no `github-token`");
    expect(await plan("ghs_read")).not.toContain("signature_missing");
    expect(shop.github.violations).toEqual([]);
  } finally {
    await writeFile(path, before);
  }
});

async function readPushed(of: string = folder) {
  const text = await readFile(join(of, "belay/release.json"), "utf8");
  return JSON.parse(text) as { services: Record<string, { repository: string; digest: string }> };
}

it("signs on the whole way, too, and deploys what is signed", async () => {
  await shop.repository.commit("Greet anew", "web/shop.mjs", ["Welcome to the shop", "Hello from the shop"]);
  // Shorter than people would have it: how long it is watched is not what is tried here.
  const args = ["--json", "--sign", "--require-signature", publicKey, "--stable", "1s", "--drain", "0s"];
  const run = await runCli(shop, "run", { args, env: { COSIGN_PRIVATE_KEY: ours.privateKey } });
  expect(run.json, run.stderr).toMatchObject({ outcome: "succeeded" });
});

describe("a way back", () => {
  const watched = ["--json", "--stable", "1s", "--drain", "0s"];
  const back = (to: string) =>
    runCli(shop, "rollback", { args: [...watched, "--require-signature", publicKey, "--to", to] });
  /** Builds, pushes and deploys what is checked out, and signs it when it is told to. */
  const run = async (...more: string[]): Promise<CliRun> =>
    runCli(shop, "run", { args: [...watched, ...more], env: { COSIGN_PRIVATE_KEY: ours.privateKey } });
  let unsigned: CliRun;

  it("by hand to what is not signed is refused, which changes nothing, and says what to do", async () => {
    await shop.repository.commit("Greet without a signature", "web/shop.mjs", ["Hello from the shop", "Good day"]);
    unsigned = await run();
    expect(unsigned.json, unsigned.stderr).toMatchObject({ outcome: "succeeded", deployment: 2 });
    const signed = await back("previous");
    expect(signed.json, signed.stderr).toMatchObject({ outcome: "succeeded", deployment: 3 });
    const before = await containers();
    const refused = await back("2");
    expect(refused.json, refused.stderr).toMatchObject({ outcome: "refused" });
    expect(refused.stdout + refused.stderr).toContain("it has no signature");
    expect(JSON.stringify(refused.report)).toContain("If it is older than `require-signature`");
    expect(await containers()).toBe(before);
  });

  it("by hand goes once it is signed", async () => {
    const args = ["--json"];
    const env = { COSIGN_PRIVATE_KEY: ours.privateKey };
    expect(await runCli(shop, "sign", { folder: unsigned.folder, args, env })).toMatchObject({ exitCode: 0 });
    const gone = await back("2");
    expect(gone.json, gone.stderr).toMatchObject({ outcome: "succeeded", deployment: 4 });
  });

  it("that Belay takes by itself asks for no signature of what ran", async () => {
    await shop.repository.commit("Greet unsigned again", "web/shop.mjs", ["Good day", "Good evening"]);
    const ran = await run();
    expect(ran.json, ran.stderr).toMatchObject({ outcome: "succeeded", deployment: 5 });
    await shop.repository.commit("Break it", "web/server.mjs", [
      "server.listen(8080",
      "process.exit(3);server.listen(8080",
    ]);
    const failed = await run("--sign", "--require-signature", publicKey, "--crashes", "1");
    expect(failed.json, failed.stderr).toMatchObject({ outcome: "rolled_back", deployment: 6 });
  });
});

describe("a release that no key has signed", () => {
  const watched = ["--json", "--stable", "1s", "--drain", "0s"];
  const env = { GITHUB_TOKEN: "ghs_attestations" };
  const owned = new AsyncDisposableStack();
  let sigstore: SigstoreRig;

  beforeAll(async () => {
    sigstore = owned.use(await startSigstore());
    const root = join(shop.temporary.path, "root-of-today.json");
    await writeFile(root, sigstore.trustedRoot);
    const required = `    require-signature: { identity: "${sigstore.identity}", trusted-root: "${root}" }\n    rollout:`;
    await shop.repository.commit("Require a signature", "belay.yaml", ["    rollout:", required]);
    shop.github.addToken({ token: env.GITHUB_TOKEN, permissions: { contents: "read", attestations: "read" } });
  });
  afterAll(() => owned.disposeAsync());

  /** Pushes a commit, whose deployment is refused; and gives its folder and its image. */
  async function refused(title: string, change: [string, string], words: string) {
    await shop.repository.commit(title, "web/server.mjs", change);
    const before = await containers();
    const built = await runCli(shop, "build");
    expect(await runCli(shop, "push", { folder: built.folder })).toMatchObject({ exitCode: 0 });
    const early = await runCli(shop, "deploy", { folder: built.folder, args: watched, env });
    expect(early.json, early.stderr).toMatchObject({ outcome: "refused" });
    expect(early.stdout + early.stderr).toContain(words);
    expect(await containers()).toBe(before);
    const [image] = Object.values((await readPushed(built.folder)).services);
    return { folder: built.folder, name: image?.repository ?? "", digest: image?.digest ?? "" };
  }

  async function expectDeployed(made: { folder: string; digest: string }, deployment: number): Promise<void> {
    const run = await runCli(shop, "deploy", { folder: made.folder, args: watched, env });
    expect(run.json, run.stderr).toMatchObject({ outcome: "succeeded", deployment });
    const label = `label=com.docker.compose.project=${shop.project}`;
    const running = ["ps", "--no-trunc", "--filter", label, "--format={{.Image}}"];
    expect((await shop.engine.docker(running)).stdout).toContain(made.digest);
  }

  it("is deployed once the workflow has signed it as itself, and not before", async () => {
    const mended: [string, string] = ["process.exit(3);server.listen(8080", "server.listen(8080"];
    const made = await refused("Mend it", mended, "it has no signature with a certificate");
    const args = ["--json", "--fulcio-url", sigstore.url, "--rekor-url", sigstore.url];
    const signed = await runCli(shop, "sign", { folder: made.folder, args, env: { ...sigstore.env } });
    expect(signed.json, signed.stderr).toMatchObject({ outcome: "succeeded" });
    await expectDeployed(made, 7);
  });

  it("is deployed once GitHub has an attestation of its build, and not before", async () => {
    const none = `GitHub showed none for it in ${shop.github.repository}`;
    const made = await refused("Listen as before", ["server.listen(8080", "server .listen(8080"], none);
    const { digest, name } = made;
    shop.github.addAttestation({ digest, bundle: await sigstore.attest({ digest, name }) });
    await expectDeployed(made, 8);
  });
});

it("says what is missing, and which key can't be read", async () => {
  const unsigned = await signBy("");
  expect(unsigned).toMatchObject({ exitCode: 2 });
  expect(unsigned.stderr).toContain(
    "neither a key (the environment variable COSIGN_PRIVATE_KEY is empty) nor an identity",
  );
  const nowhere = await runCli(shop, "deploy", { folder, args: ["--require-signature", "/nowhere/cosign.pub"] });
  expect(nowhere).toMatchObject({ exitCode: 2 });
  expect(nowhere.stderr).toContain("/nowhere/cosign.pub");
});
