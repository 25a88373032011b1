import { BelayError, Inputs } from "@belay/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EXAMPLE, messageOf, problemLines, thrownBy } from "./example.fixture.ts";
import { loadOverrides, OVERRIDE_INPUTS, resolveApplication } from "./index.ts";
import { settings } from "./settings.fixture.ts";

const ALONE = { image: "ghcr.io/acme/shop", service: "web", target: "compose", application: "shop" };
const alone = (inputs: Record<string, string> = {}, environment = "staging") =>
  settings(undefined, { ...ALONE, ...inputs }, { environment });

describe("inputs", () => {
  it("win over the file", () => {
    const result = settings(EXAMPLE, {
      url: "https://other.example",
      project: "other",
      files: "a.yaml\nb.yaml",
      host: "ssh://deploy@shop.example",
      start: "5s",
      "on-failure": "keep",
      health: "web tcp://127.0.0.1:1",
      service: "web",
      image: "ghcr.io/acme/{service}",
      "build-args": "A=b=c",
      platforms: "linux/amd64,linux/arm64",
    });
    expect(result).toMatchObject({
      url: "https://other.example",
      target: {
        kind: "compose",
        host: "ssh://deploy@shop.example",
        project: "other",
        files: ["/repo/a.yaml", "/repo/b.yaml"],
      },
      rollout: { startMs: 5_000, deadlineMs: 300_000, onFailure: "keep" },
      health: [{ check: { kind: "tcp" } }],
    });
    expect(result.target).not.toHaveProperty("context");
    expect(result.services.web).toMatchObject({
      image: "ghcr.io/acme/web",
      build: { target: "runtime", args: { A: "b=c" }, platforms: ["linux/amd64", "linux/arm64"] },
    });
  });

  it("are enough without a file", () => {
    const result = alone({ files: "deploy/compose.yaml", health: "instance http://:80/" });
    expect(result).toMatchObject({
      application: "shop",
      environment: "staging",
      directory: "/srv",
      target: { kind: "compose", project: "shop", files: ["/srv/deploy/compose.yaml"], directory: "/srv/deploy" },
      services: { web: { image: "ghcr.io/acme/shop" } },
      health: [{ service: "web" }],
    });
    expect(result.services.web).not.toHaveProperty("build");
    expect(alone({ target: "swarm" }).target).toEqual({ kind: "swarm", stack: "shop", files: [] });
    expect(alone({ target: "kubernetes", namespace: "x" }).target).toEqual({
      kind: "kubernetes",
      namespace: "x",
      files: [],
    });
  });

  it("name application and service after the repository and the image", () => {
    const inputs = loadOverrides(new Inputs((name) => ({ image: "ghcr.io/acme/shop-web" })[name]));
    const env = { GITHUB_REPOSITORY: "Acme/The.Shop" };
    const built = resolveApplication({ inputs, env, workingDirectory: "/srv", builds: true });
    expect(built).toMatchObject({
      application: "the-shop",
      services: { "shop-web": { build: { context: "/srv", args: {} } } },
    });
  });

  it("of another engine replace the file's target", () => {
    expect(settings(EXAMPLE, { target: "kubernetes" }).target).toEqual({
      kind: "kubernetes",
      files: [],
    });
  });

  it.each<[Record<string, string>, string]>([
    [{ image: "a" }, "input `image`: it could speak of any of web, cache. Say which with the input `service`."],
    [{ service: "wbe" }, 'input `service`: no service is called "wbe". Did you mean `web`? Services: web, cache.'],
    [{ service: "web", image: "a:1" }, 'input `image`: it is "a:1", with a tag, but the service is built here.'],
    [{ url: "shop" }, 'input `url`: it is "shop". Legal values: an address such as https://shop.example'],
    [{ kubeconfig: "x" }, "input `kubeconfig`: it belongs to the target kubernetes, but the target is compose."],
    [{ target: "kubernetes", namespace: "a_b" }, 'input `namespace`: it is "a_b". Legal values: small letters'],
    [{ stack: "x" }, "input `stack`: it belongs to the target swarm, but the target is compose."],
    [
      { host: "ssh://a", context: "b" },
      "input `host`: it was given together with the input `context`. Give one of them.",
    ],
    [{ project: "A" }, 'input `project`: it is "A". Legal values: small letters'],
    [{ stable: "10m" }, "input `stable`: `stable` is not shorter than `deadline`"],
    [{ deadline: "25h" }, "input `deadline`: it is 90000000 ms. Legal values: 1 ms to 24 h."],
    [{ variables: "a-b=c" }, 'input `variables`: the name "a-b" is not legal.'],
    [{ health: "x" }, 'input `health`, line 1: "x" is no probe.'],
    [{ strategy: "roling" }, 'input `strategy`: its value is "roling". Legal values: rolling, recreate.'],
  ])("%j is refused", (inputs, message) => {
    expect(thrownBy(() => settings(EXAMPLE, inputs))).toMatchObject({ code: "INVALID_INPUT", exitCode: 2 });
    expect(messageOf(() => settings(EXAMPLE, inputs))).toContain(message);
  });

  it("that are missing are told all at once", () => {
    expect(problemLines(() => settings(undefined, {}, { environment: "staging" }))).toEqual([
      "input `application`: it is missing, and there is no belay.yaml that tells it.",
      "input `service`: there is no belay.yaml, so say which service this is about: give `service`, or `image`.",
      "input `target`: it is missing, and there is no belay.yaml. Legal values: compose, swarm, kubernetes.",
    ]);
    expect(messageOf(() => settings(undefined, ALONE))).toContain(
      "input `environment`: it is missing, and there is no belay.yaml in /srv. Give its name, such as staging.",
    );
    const place = "belay.yaml:10:3: `environments.staging.target` is missing.";
    expect(messageOf(() => settings(EXAMPLE.replace(/ {4}target: .*\n/, "")))).toContain(place);
  });

  it("are all read by loadOverrides, none under another name", () => {
    const asked = new Set<string>();
    loadOverrides(new Inputs((name) => void asked.add(name)));
    expect([...asked].sort()).toEqual(Object.keys(OVERRIDE_INPUTS).sort());
  });

  it("of any content give settings or a BelayError", () => {
    const name = fc.constantFrom(...Object.keys(OVERRIDE_INPUTS));
    const value = fc.oneof(
      fc.string(),
      fc.constantFrom(`\${A}`, "{service}", "compose", "0", "1s", "true", "web", "a=b", "../..", "__proto__", "- x"),
    );
    fc.assert(
      fc.property(
        fc.dictionary(name, value),
        fc.constantFrom(EXAMPLE, undefined),
        fc.string(),
        (inputs, text, environment) => {
          const error = thrownBy(() => settings(text, inputs, text === undefined ? { environment } : {}));
          expect(error === undefined || error instanceof BelayError, String(error)).toBe(true);
          expect(error).not.toMatchObject({ code: "INTERNAL" });
        },
      ),
      { numRuns: 500 },
    );
  });
});
