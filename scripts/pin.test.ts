import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { pinnedFiles, pinsIn, repin } from "./pin.ts";

const OLD = "1111111111111111111111111111111111111111";
const NEW = "2222222222222222222222222222222222222222";

describe("pin", () => {
  it("rewrites the suite's pins with their version, whatever the folder", () => {
    const text = [
      `- uses: belay-deploy/belay@${OLD} # v1.0.0`,
      `- uses: belay-deploy/belay/actions/deploy@${OLD}`,
      `uses: "belay-deploy/belay/.github/workflows/deploy.yml@${OLD}" # ours`,
    ].join("\n");
    expect(repin(text, { sha: NEW, version: "v1.1.0" })).toBe(
      [
        `- uses: belay-deploy/belay@${NEW} # v1.1.0`,
        `- uses: belay-deploy/belay/actions/deploy@${NEW} # v1.1.0`,
        `uses: "belay-deploy/belay/.github/workflows/deploy.yml@${NEW} # v1.1.0" # ours`,
      ].join("\n"),
    );
  });

  it("leaves other actions, tags and names alone", () => {
    const text = `- uses: actions/checkout@${OLD} # v7\n- uses: belay-deploy/belay@v1\n- uses: belay-deploy/belayer@${OLD}\n`;
    expect(repin(text, { sha: NEW })).toBe(text);
  });

  it("drops the old version when none is given, and keeps line ends", () => {
    expect(repin(`uses: belay-deploy/belay@${OLD} # v1.0.0\r\nnext`, { sha: NEW })).toBe(
      `uses: belay-deploy/belay@${NEW}\r\nnext`,
    );
  });

  it("refuses what is no full commit or no version", () => {
    for (const sha of ["", "v1", "main", OLD.slice(1), OLD.toUpperCase().replaceAll("1", "A")]) {
      expect(() => repin("", { sha })).toThrow("no full commit SHA");
    }
    for (const version of ["1.0.0", "latest", "v1 #"]) {
      expect(() => repin("", { sha: NEW, version })).toThrow("no version");
    }
  });

  it("finds one pin, the same one, everywhere in the repository", () => {
    const root = resolve(import.meta.dirname, "..");
    const found = new Set(pinnedFiles(root).flatMap((path) => pinsIn(readFileSync(join(root, path), "utf8"))));
    expect([...found].length).toBeLessThanOrEqual(1);
  });
});
