import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { GitHub } from "./github.ts";
import { startTestRig, type TestRig, WRITER } from "./testing/test-rig.ts";

const DIGEST = `sha256:${"ab".repeat(32)}`;
const bundle = (name: string) => ({ mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json", name });

let test: TestRig;
let github: GitHub;
beforeEach(async () => {
  test = await startTestRig();
  test.rig.addToken({ token: WRITER, permissions: { attestations: "read" } });
  github = test.github();
});
afterEach(async () => {
  expect(test.rig.violations).toEqual([]);
  await test.rig.close();
});

describe("attestations", () => {
  it("are read from the answer and from the storage, without giving that the token", async () => {
    test.rig.addAttestation({ digest: DIGEST, bundle: bundle("one"), place: "inline" });
    test.rig.addAttestation({ digest: DIGEST, bundle: bundle("two ".repeat(400)) });
    test.rig.addAttestation({ digest: `sha256:${"cd".repeat(32)}`, bundle: bundle("of another") });
    expect(await github.attestations(DIGEST)).toEqual({
      done: true,
      value: [{ bundle: bundle("two ".repeat(400)) }, { bundle: bundle("one") }],
    });
  });

  it("come page by page, and no more than anybody can have", async () => {
    for (let number = 1; number <= 100; number++) {
      test.rig.addAttestation({ digest: DIGEST, bundle: bundle(`${number}`), place: "inline" });
    }
    const found = await github.attestations(DIGEST);
    expect(found.done && found.value.map((one) => "bundle" in one && one.bundle)).toEqual(
      Array.from({ length: 90 }, (_, index) => bundle(`${100 - index}`)),
    );
    expect(test.rig.requests).toHaveLength(3);
  });

  it("are none where GitHub knows none", async () => {
    expect(await github.attestations(DIGEST)).toEqual({ done: true, value: [] });
    test.rig.fail({ path: /attestations/, fault: { status: 404 } });
    expect(await github.attestations(DIGEST)).toEqual({ done: true, value: [] });
  });

  it("that can't be fetched say why, and the others count", async () => {
    test.rig.addAttestation({ digest: DIGEST, bundle: bundle("lost") });
    test.rig.addAttestation({ digest: DIGEST, bundle: bundle("here"), place: "inline" });
    const broken = test.github({
      fetch: async (input, init) =>
        String(input).includes("/_storage/") ? new Response("no longer", { status: 403 }) : fetch(input, init),
    });
    expect(await broken.attestations(DIGEST)).toEqual({
      done: true,
      value: [
        { bundle: bundle("here") },
        { why: "an attestation could not be fetched from GitHub's storage: the status is 403" },
      ],
    });
  });

  it.each([
    "https://storage.example:port/one?sig=SECRET",
    "/one?sig=SECRET",
    "http://storage.example/one?sig=SECRET",
    "https://SECRET:SECRET@storage.example/one",
    "data:application/json,SECRET",
  ])("are not fetched from %s, which nobody is told", async (address) => {
    test.rig.addAttestation({ digest: DIGEST, bundle: bundle("one") });
    const asked: string[] = [];
    const broken = test.github({
      fetch: async (input, init) => {
        asked.push(String(input));
        const answer = await fetch(input, init);
        const { attestations } = (await answer.json()) as { attestations: object[] };
        const listed = attestations.map((one) => ({ ...one, bundle_url: address }));
        return Response.json({ attestations: listed }, { headers: answer.headers });
      },
    });
    expect(await broken.attestations(DIGEST)).toEqual({
      done: true,
      value: [{ why: "GitHub names no address from which an attestation can be fetched safely" }],
    });
    expect(asked).toHaveLength(1);
    expect(test.lines.join("")).not.toContain("SECRET");
  });

  it("that never end are read up to 16 MiB", async () => {
    test.rig.addAttestation({ digest: DIGEST, bundle: bundle("one") });
    const mebibyte = new Uint8Array(2 ** 20).fill(0x20);
    let given = 0;
    let left = false;
    const endless = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(Buffer.from("{")),
      pull: (controller) => {
        if (++given > 64) controller.close();
        else controller.enqueue(mebibyte);
      },
      cancel: () => {
        left = true;
      },
    });
    const flooded = test.github({
      fetch: async (input, init) =>
        String(input).includes("/_storage/") ? new Response(endless) : await fetch(input, init),
    });
    expect(await flooded.attestations(DIGEST)).toMatchObject({
      value: [{ why: expect.stringContaining("it is larger than 16777216 bytes") }],
    });
    expect({ left, given }).toEqual({ left: true, given: expect.toSatisfy((count: number) => count < 20) });
  });

  it("are deferred without the permission, which the message names", async () => {
    test.rig.addToken({ token: WRITER, permissions: { contents: "read" } });
    const titles: unknown[] = [];
    github = test.github({ log: { ...test.log, warn: (_message, at) => void titles.push(at?.title) } });
    expect(await github.attestations(DIGEST)).toMatchObject({
      done: false,
      deferred: { reason: "forbidden", message: expect.stringContaining("`permissions: attestations: read`") },
    });
    expect(titles).toEqual(["Attestations not read"]);
  });
});
