import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { GitHub } from "./github.ts";
import { startTestRig, type TestRig, WRITER } from "./testing/test-rig.ts";

const digestOf = (number: number) => `sha256:${String(number).padStart(64, "0")}`;
const SHOP = { owner: "acme", name: "shop/web", ownedBy: "organization" } as const;

let test: TestRig;
let github: GitHub;
beforeEach(async () => {
  test = await startTestRig();
  test.rig.addToken({ token: WRITER, permissions: { packages: "write" } });
  github = test.github();
});
afterEach(async () => {
  expect(test.rig.violations).toEqual([]);
  await test.rig.close();
});

function addVersions(count: number): void {
  for (let number = 1; number <= count; number++) {
    test.rig.addPackageVersion({ package: SHOP.name, digest: digestOf(number), tags: number > 1 ? [] : ["main"] });
  }
}

const versions = async (image: Parameters<GitHub["packageVersions"]>[0] = SHOP) => {
  const found = await github.packageVersions(image);
  if (!found.done) throw new Error(found.deferred.message);
  return found.value;
};

describe("the versions of a package", () => {
  it("of an organization are listed page by page, under a name with a slash", async () => {
    addVersions(230);
    const found = await versions();
    expect(found.map(({ digest }) => digest)).toEqual(Array.from({ length: 230 }, (_, index) => digestOf(230 - index)));
    expect(test.rig.requests).toHaveLength(3);
  });

  it("of a user are listed and deleted under the user's address", async () => {
    test.rig.setOwner("User");
    addVersions(2);
    expect(await github.ownedBy("acme")).toEqual({ done: true, value: "user" });
    const image = { ...SHOP, ownedBy: "user" } as const;
    const [newest] = await versions(image);
    if (newest === undefined) throw new Error("nothing is listed");
    expect(await github.deletePackageVersion(image, newest)).toEqual({ done: true, value: "deleted" });
    expect(test.rig.packageVersions().map(({ digest }) => digest)).toEqual([digestOf(1)]);
  });

  it("go one by one; what GitHub keeps is told with its reason", async () => {
    addVersions(3);
    test.rig.addPackageVersion({ package: SHOP.name, digest: digestOf(9), tags: ["v1"], popular: true });
    expect(await github.ownedBy("acme")).toEqual({ done: true, value: "organization" });
    const [popular, third] = await versions();
    if (popular === undefined || third === undefined) throw new Error("nothing is listed");
    expect(await github.deletePackageVersion(SHOP, third)).toEqual({ done: true, value: "deleted" });
    expect(await github.deletePackageVersion(SHOP, third)).toEqual({ done: true, value: "was gone" });
    expect(await github.deletePackageVersion(SHOP, popular)).toMatchObject({
      value: { refused: expect.stringContaining("more than 5000 downloads") },
    });
    expect(test.rig.packageVersions()).toHaveLength(3);
  });

  it.each(["Organization", "User"] as const)(
    "of an %s that the token may not delete are not taken for gone",
    async (kind) => {
      test.rig.setOwner(kind);
      test.rig.setPackageAdmin(false);
      addVersions(2);
      const image = { ...SHOP, ownedBy: kind === "User" ? "user" : "organization" } as const;
      const [newest] = await versions(image);
      if (newest === undefined) throw new Error("nothing is listed");
      expect(await github.deletePackageVersion(image, newest)).toEqual({ done: true, value: "not allowed" });
      expect(test.rig.packageVersions()).toHaveLength(2);
      // Whether it is gone can't be known then.
      test.rig.fail({ method: "GET", fault: { status: 403 }, times: 1 });
      expect(await github.deletePackageVersion(image, newest)).toMatchObject({ done: false });
    },
  );

  it("wait for a rate limit, and are deferred without the permission", async () => {
    addVersions(2);
    const [newest] = await versions();
    if (newest === undefined) throw new Error("nothing is listed");
    test.rig.fail({ method: "DELETE", fault: { secondaryLimit: true, retryAfterSeconds: 2 }, times: 1 });
    expect(await github.deletePackageVersion(SHOP, newest)).toEqual({ done: true, value: "deleted" });
    test.rig.addToken({ token: WRITER, permissions: { packages: "read" } });
    const [last] = await versions();
    expect(await github.deletePackageVersion(SHOP, last ?? newest)).toMatchObject({
      deferred: { reason: "forbidden", message: expect.stringContaining("`permissions: packages: write`") },
    });
  });

  it("are asked for once when GitHub refuses, or wants a longer pause than is waited", async () => {
    addVersions(1);
    const [only] = await versions();
    if (only === undefined) throw new Error("nothing is listed");
    const deletions = () => test.rig.requests.filter(({ method }) => method === "DELETE");
    expect(await github.deletePackageVersion(SHOP, only)).toMatchObject({ value: { refused: expect.any(String) } });
    expect(deletions()).toHaveLength(1);
    test.rig.fail({ method: "DELETE", fault: { secondaryLimit: true, retryAfterSeconds: 10_000 } });
    expect(await github.deletePackageVersion(SHOP, only)).toMatchObject({ deferred: { reason: "rate_limited" } });
    expect(deletions()).toHaveLength(2);
  });

  it("are waited for no longer when the run is cancelled", async () => {
    addVersions(2);
    const [newest] = await versions();
    if (newest === undefined) throw new Error("nothing is listed");
    const run = new AbortController();
    const limits = { secondMs: 1_000, requestMs: 600_000, callMs: 600_000, budgetMs: 600_000, retryAfterMs: 600_000 };
    const cancellable = test.github({ signal: run.signal, limits });
    test.rig.fail({ method: "DELETE", fault: { secondaryLimit: true, retryAfterSeconds: 500 } });
    const asked = cancellable.deletePackageVersion(SHOP, newest);
    const deletions = () => test.rig.requests.filter(({ method, status }) => method === "DELETE" && status === 403);
    await vi.waitFor(() => expect(deletions()).toHaveLength(1), { timeout: 30_000 });
    run.abort();
    expect(await asked).toMatchObject({ done: false, deferred: { reason: "cancelled" } });
    expect(await cancellable.packageVersions(SHOP)).toMatchObject({ deferred: { reason: "cancelled" } });
    expect(deletions()).toHaveLength(1);
    expect(test.rig.packageVersions()).toHaveLength(2);
  });
});
