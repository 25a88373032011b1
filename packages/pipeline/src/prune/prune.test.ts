import { Inputs } from "@belay/core";
import { expect, it } from "vitest";
import { loadPruneInputs } from "./prune-inputs.ts";

const load = (values: Record<string, string>) => loadPruneInputs(new Inputs((name) => values[name]));

it("deletes nothing and keeps ten images when it is told nothing", () => {
  expect(load({})).toMatchObject({ dryRun: true, last: 10, keepYoungerMs: 7 * 86_400_000 });
  expect(load({ "keep-younger-than": "0" }).keepYoungerMs).toBe(0);
  expect(load({ "keep-younger-than": "30d" }).keepYoungerMs).toBe(30 * 86_400_000);
  expect(() => load({ "keep-younger-than": "soon" })).toThrow("keep-younger-than");
});

it("takes the host of a GitHub Enterprise Server's registry", () => {
  expect(load({})).not.toHaveProperty("githubRegistry");
  for (const host of ["containers.github.example", "127.0.0.1:5000"]) {
    expect(load({ "github-registry": host }).githubRegistry).toBe(host);
  }
  expect(load({ "github-registry": "Containers.GitHub.example" }).githubRegistry).toBe("containers.github.example");
});

it.each(["https://x.example", "x.example/acme", "a b", "$(id)", "x:y", "--flag\n"])("refuses %j for a host", (text) => {
  expect(() => load({ "github-registry": text })).toThrow("Write a host like");
});
