import type { Source } from "@belay/core";
import { makeShopRepository, type ShopRepository, temporaryFolder } from "@belay/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createContext } from "../testing/create-context.ts";
import { isOlder } from "./is-older.ts";

const REPOSITORY = "https://github.com/acme/shop";
const source = (revision: string, committedAt?: string): Source => ({
  repository: REPOSITORY,
  revision,
  ...(committedAt === undefined ? {} : { committedAt }),
});
const [EARLY, LATE] = ["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"];

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let shop: ShopRepository;
let commits: [first: string, second: string];
beforeAll(async () => {
  folder = await temporaryFolder("belay-older");
  shop = await makeShopRepository(folder.path, `${REPOSITORY}.git`);
  commits = [await shop.head(), await shop.commit("Second", "README.md", ["The shop", "A shop"])];
});
afterAll(() => folder?.remove());

describe("whether a release is older than what runs", () => {
  it("is told by history, whatever the dates say", async () => {
    const context = createContext(shop.folder);
    const [first, second] = commits;
    expect(await isOlder(context, source(first, LATE), source(second, EARLY))).toBe(true);
    expect(await isOlder(context, source(second, EARLY), source(first, LATE))).toBe(false);
    expect(await isOlder(context, source(first), source(first))).toBe(false);
  });

  it("is told by dates where the commits are not there (a shallow clone, no repository)", async () => {
    const [first] = commits;
    const unknown = "f".repeat(40);
    for (const place of [shop.folder, "/"]) {
      const context = createContext(place);
      expect(await isOlder(context, source(first, EARLY), source(unknown, LATE))).toBe(true);
      expect(await isOlder(context, source(first, LATE), source(unknown, EARLY))).toBe(false);
      expect(await isOlder(context, source(first), source(unknown, LATE))).toBe("cannot tell");
    }
  });

  it("can't be told of another repository", async () => {
    const [first, second] = commits;
    const other = { ...source(second, LATE), repository: "https://github.com/acme/other" };
    expect(await isOlder(createContext(shop.folder), source(first, EARLY), other)).toBe("cannot tell");
  });
});
