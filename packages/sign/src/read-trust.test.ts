import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startSigstore, type TemporaryFolder, temporaryFolder } from "@belay/testkit";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { readTrust } from "./read-trust.ts";

let place: TemporaryFolder;
beforeEach(async () => {
  place = await temporaryFolder("belay-trust-test");
});
afterEach(async () => {
  vi.useRealTimers();
  await place.remove();
});

async function written(text: string): Promise<string> {
  const path = join(place.path, "root.json");
  await writeFile(path, text);
  return path;
}

/** A root that is good but for `changes`. */
async function rootWith(changes: object): Promise<string> {
  await using sigstore = await startSigstore();
  return JSON.stringify({ ...(JSON.parse(sigstore.trustedRoot) as object), ...changes });
}

it("takes a root, and one on each line", async () => {
  const root = await rootWith({});
  expect(await readTrust(await written(root))).toBeTypeOf("function");
  expect(await readTrust(await written(`${root}\n${root}\n`))).toBeTypeOf("function");
});

it("proves what was signed in any millisecond", async () => {
  await using sigstore = await startSigstore({ kind: "private" });
  const certify = await readTrust(await written(sigstore.trustedRoot));
  vi.useFakeTimers({ toFake: ["Date"], now: Math.ceil(Date.now() / 1_000) * 1_000 + 120 });
  const bundle = await sigstore.attest({ digest: `sha256:${"ab".repeat(32)}`, name: "shop" });
  expect(certify(bundle).identity).toBe(sigstore.identity);
});

const bytes = (text: string) => ({ certChain: { certificates: [{ rawBytes: Buffer.from(text).toString("base64") }] } });

const BROKEN = "a certificate or key in it is missing or broken";
const NOBODY = "it names no certificate authority";

it.each([
  ["an authority without certificates", { certificateAuthorities: [{}] }, BROKEN],
  ["an authority with a broken certificate", { certificateAuthorities: [bytes("hello")] }, BROKEN],
  ["an authority with an empty chain", { certificateAuthorities: [{ certChain: { certificates: [] } }] }, NOBODY],
  ["no authority", { certificateAuthorities: [] }, NOBODY],
  ["a log without a key", { tlogs: [{}] }, BROKEN],
  ["a log with a broken key", { ctlogs: [{ logId: { keyId: "" }, publicKey: { rawBytes: "aGVsbG8=" } }] }, BROKEN],
  ["a clock without certificates", { timestampAuthorities: [{}] }, BROKEN],
])("refuses a root with %s", async (_what, changes, words) => {
  const path = await written(await rootWith(changes));
  await expect(readTrust(path)).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    message: expect.stringContaining(`in ${path}: ${words}`),
    next: expect.stringContaining("`trusted-root`"),
  });
});

it.each(["{}", "[]", "hello", "null"])("refuses a file with %s", async (text) => {
  await expect(readTrust(await written(text))).rejects.toMatchObject({ code: "CONFIG_INVALID" });
});

it("refuses a file that is not there", async () => {
  await expect(readTrust(join(place.path, "none.json"))).rejects.toMatchObject({ code: "CONFIG_INVALID" });
});
