import { type Digest, sha256 } from "@belay/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chooseImages, freedBytes, manifestsToDelete, withNewNeeds } from "./choose-images.ts";
import type { StoredImage } from "./read-repository.ts";

const digest = (name: string): Digest => sha256(name);

function image(name: string, more: Partial<StoredImage> = {}): StoredImage {
  return {
    digest: digest(name),
    tags: [`sha-${digest(name).slice(7, 19)}`],
    createdAt: "2026-01-01T00:00:00Z",
    manifests: new Map([[digest(name), 10]]),
    attached: new Map(),
    blobs: new Map([
      [digest("base"), 1_000],
      [digest(`${name} layer`), 100],
    ]),
    ...more,
  };
}

const NOBODY: ReadonlyMap<string, string> = new Map();
const day = (number: number): string => `2026-01-${String(number).padStart(2, "0")}T00:00:00Z`;

describe("which images may go", () => {
  it("are the old ones that nothing needs, and what they alone have is freed", () => {
    const images = [3, 1, 2].map((number) => image(`i${number}`, { createdAt: day(number) }));
    const choices = chooseImages({ images, needed: NOBODY, last: 1 });
    expect(choices.map(({ keep }) => keep)).toEqual([true, false, false]);
    expect(freedBytes(choices)).toBe(2 * (10 + 100));
    expect(manifestsToDelete(choices)).toEqual([digest("i1"), digest("i2")]);
  });

  it("are not those that were pushed lately, whatever age their config tells", () => {
    const youngerThan = new Date(day(10));
    const images = [
      image("waits", { createdAt: day(1), pushedAt: day(11) }),
      image("went", { createdAt: day(1), pushedAt: day(10) }),
      // Of no release of Belay's.
      image("young", { createdAt: day(12) }),
      image("old", { createdAt: day(2) }),
      image("built lately, pushed long ago", { createdAt: day(20), pushedAt: day(5) }),
    ];
    const choices = chooseImages({ images, needed: NOBODY, last: 0, youngerThan });
    expect(choices.map(({ keep }) => keep)).toEqual([true, false, true, false, false]);
    expect(choices[0]?.why).toBe("it was pushed on 2026-01-11T00:00:00Z, after 2026-01-10T00:00:00.000Z");
    expect(chooseImages({ images, needed: NOBODY, last: 0 }).map(({ keep }) => keep)).not.toContain(true);
  });

  it.each([
    ["a release", ["sha-0123456789ab", "1.2.3"], "it is called 1.2.3"],
    ["a branch", ["main"], "it is called main"],
    ["something that only looks like a commit", ["sha-latest"], "it is called sha-latest"],
  ])("are not those with a tag of %s", (_what, tags, why) => {
    const [choice] = chooseImages({ images: [image("a", { tags })], needed: NOBODY, last: 0 });
    expect(choice).toMatchObject({ keep: true, why });
  });

  it.each(["sha-0123456789ab", "sha-0123456789ab-onto-0123456789ab", "sha-0123456789ab-dirty-0123456789ab", "pr-7"])(
    "may have the tag %s",
    (tag) => {
      expect(chooseImages({ images: [image("a", { tags: [tag] })], needed: NOBODY, last: 0 })[0]?.keep).toBe(false);
    },
  );

  it("are not those that a target needs, by whichever digest it names them", () => {
    const platform = digest("platform");
    const manifests = new Map([
      [digest("a"), 10],
      [platform, 10],
    ]);
    const one = image("a", { manifests });
    for (const name of [digest("a"), platform, digest("a layer")]) {
      const needed = new Map([[name as string, "deployment 3 of production"]]);
      expect(chooseImages({ images: [one], needed, last: 0 })[0]).toMatchObject({
        keep: true,
        why: "deployment 3 of production",
      });
    }
  });

  it("are not those that could not be read, or have no age", () => {
    const { createdAt: _, ...ageless } = image("a");
    const images = [ageless, image("b", { unreadable: "a manifest is missing" })];
    expect(chooseImages({ images, needed: NOBODY, last: 0 }).map(({ keep }) => keep)).toEqual([true, true]);
  });

  it("leave their platforms where a kept image could not be read, which may have the same", () => {
    const parts = {
      manifests: new Map([
        [digest("a"), 10],
        [digest("a1"), 10],
      ]),
      attached: new Map([
        [digest("s"), 10],
        [digest("s1"), 10],
      ]),
      attachedToParts: new Set([digest("s1")]),
    };
    const choices = (other: object) =>
      chooseImages({ images: [image("a", parts), image("b", other)], needed: NOBODY, last: 0 }).map((choice) =>
        choice.image.digest === digest("b") ? { ...choice, keep: true } : choice,
      );
    expect(manifestsToDelete(choices({ unreadable: "it is no JSON" }))).toEqual([digest("s"), digest("a")]);
    expect(manifestsToDelete(choices({}))).toEqual([digest("s"), digest("s1"), digest("a"), digest("a1")]);
  });

  it("are not those that hang on a kept image, or on what stays with it", () => {
    const more = (name: string, own: string) => ({
      manifests: new Map([digest(name), digest(own)].map((one) => [one, 10] as const)),
    });
    const images = [
      image("a", { tags: ["main"], attached: new Map([[digest("b"), 10]]) }),
      image("c"),
      image("b", more("b", "c")),
      image("d"),
    ];
    const choices = chooseImages({ images, needed: NOBODY, last: 0 });
    expect(choices.map(({ keep }) => keep)).toEqual([true, true, true, false]);
    expect(choices[1]?.why).toBe("it is a part of an image that is kept");
  });

  it("are no longer those that a target needs by now, nor what they have", () => {
    const index = image("a", { manifests: new Map([digest("a"), digest("b")].map((one) => [one, 10] as const)) });
    const choices = chooseImages({ images: [index, image("b"), image("c")], needed: NOBODY, last: 0 });
    expect(choices.map(({ keep }) => keep)).toEqual([false, false, false]);
    const again = withNewNeeds(choices, new Map([[digest("a layer") as string, "it runs in production"]]));
    expect(again.map(({ keep }) => keep)).toEqual([true, true, false]);
    expect(again[0]?.why).toBe("it runs in production");
  });

  it("are none where an image does not tell its parts", () => {
    const lost = image("b", { unreadable: "it is no JSON", partsUnknown: true });
    const choices = chooseImages({ images: [image("a"), lost], needed: NOBODY, last: 0 });
    expect(choices.map(({ keep }) => keep)).toEqual([true, true]);
    expect(choices[0]?.why).toContain(`which parts ${digest("b")} (${lost.tags}) has: it is no JSON`);
  });

  it("never take with them what a kept image has", () => {
    const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 28 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(numbers, fc.nat(4), fc.array(fc.nat(7)), (days, last, shared) => {
        const images = days.map((number, index) =>
          image(`i${number}`, {
            createdAt: day(number),
            manifests: new Map([
              [digest(`i${number}`), 10],
              [digest(`platform ${shared[index] ?? number + 100}`), 10],
            ]),
            attached: new Map([[digest(`artifact ${shared[index] ?? number}`), 10]]),
          }),
        );
        const choices = chooseImages({ images, needed: NOBODY, last });
        const going = new Set(manifestsToDelete(choices));
        const kept = choices.filter(({ keep }) => keep);
        expect(kept.length).toBeGreaterThanOrEqual(Math.min(last, images.length));
        for (const { image: one } of kept) {
          for (const part of [...one.manifests.keys(), ...one.attached.keys()]) expect(going.has(part)).toBe(false);
        }
        for (const { image: one, keep } of choices) if (!keep) expect(going.has(one.digest)).toBe(true);
        expect(freedBytes(choices)).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
