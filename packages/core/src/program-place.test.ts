import { writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { temporaryFolder } from "@belay/testkit";
import { afterEach, expect, it, vi } from "vitest";
import { programPlace } from "./program-place.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

it("finds the first program of PATH that may be executed, once", async () => {
  await using first = await temporaryFolder("belay-first");
  await using second = await temporaryFolder("belay-second");
  vi.stubEnv("PATH", [first.path, second.path].join(delimiter));
  expect(await programPlace("tool")).toBe("tool");
  await writeFile(join(first.path, "tool"), "", { mode: 0o644 });
  await writeFile(join(second.path, "tool"), "", { mode: 0o755 });
  expect(await programPlace("tool")).toBe(join(second.path, "tool"));
  await writeFile(join(first.path, "tool"), "", { mode: 0o644 });
  expect(await programPlace("tool")).toBe(join(second.path, "tool"));
  vi.stubEnv("PATH", first.path);
  expect(await programPlace("tool")).toBe("tool");
});

it("takes a path as it is", async () => {
  expect(await programPlace(process.execPath)).toBe(process.execPath);
  expect(await programPlace("./no/such/tool")).toBe("./no/such/tool");
});
