import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkSubject } from "../scan/scan-subject.ts";
import { configScanners, downloadArguments, imageArguments } from "./image-arguments.ts";
import { inheritedNames } from "./trivy-environment.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;

describe("arguments of trivy image", () => {
  const common = { scanners: ["vuln", "secret"], timeoutMs: 90_500 } as const;

  it("name an image last, behind --", () => {
    const args = imageArguments({ ...common, input: { from: "docker", name: DIGEST } });
    expect(args.slice(-3)).toEqual(["--image-src=docker", "--", DIGEST]);
    expect(args).toContain("--timeout=91s");
    expect(args).toContain("--scanners=vuln,secret");
    expect(args).toContain("--skip-db-update");
  });

  it("look into the image's config for what is looked for elsewhere", () => {
    const input = { from: "layout" } as const;
    expect(imageArguments({ ...common, input })).toContain("--image-config-scanners=secret");
    const all = imageArguments({ ...common, scanners: ["misconfig", "secret", "license"], input });
    expect(all).toContain("--image-config-scanners=misconfig,secret");
    expect(imageArguments({ ...common, scanners: ["vuln"], input }).join()).not.toContain("config-scanners");
    expect(configScanners(["vuln", "secret", "misconfig"])).toEqual(["misconfig", "secret"]);
  });

  it("name no path of a user's", () => {
    expect(imageArguments({ ...common, input: { from: "layout" } }).at(-1)).toBe("--input=layout");
    expect(imageArguments({ ...common, input: { from: "archive" } }).at(-1)).toBe("--input=image.tar");
  });

  it("leave the database to a server", () => {
    const args = imageArguments({ ...common, input: { from: "layout" }, server: "http://127.0.0.1:4954" });
    expect(args).toContain("--server=http://127.0.0.1:4954");
    expect(args).not.toContain("--skip-db-update");
  });

  it("never filter, whatever is asked for", () => {
    const filters = /^--(severity|ignore|ignorefile|vex|pkg-types|skip-files|skip-dirs|config|exit-code=[^0])/;
    const options = fc.record({
      scanners: fc.subarray(["vuln", "secret", "misconfig", "license"] as const),
      timeoutMs: fc.nat(),
      platform: fc.constantFrom("linux/amd64", "linux/arm/v7"),
      insecure: fc.boolean(),
      input: fc.constantFrom({ from: "layout" } as const, { from: "remote", name: `a/b@${DIGEST}` } as const),
    });
    const check = fc.property(options, (given) => {
      expect(imageArguments(given).filter((one) => filters.test(one))).toEqual([]);
    });
    fc.assert(check);
  });

  it("of a download name one repository", () => {
    expect(downloadArguments("java", "127.0.0.1:5000/java:1", 1_000, true)).toEqual(
      expect.arrayContaining(["--download-java-db-only", "--java-db-repository=127.0.0.1:5000/java:1", "--insecure"]),
    );
  });
});

it.each([
  { kind: "engine" as const, id: "--help" as never },
  { kind: "engine" as const, id: "alpine" as never },
  { kind: "engine" as const, id: `${DIGEST}\n` as never },
  { kind: "registry" as const, reference: "ghcr.io/acme/shop" },
  { kind: "registry" as const, reference: "ghcr.io/acme/shop:1" },
  { kind: "registry" as const, reference: `--config=x@${DIGEST}` },
  { kind: "registry" as const, reference: `$(id)@${DIGEST}` },
  { kind: "registry" as const, reference: `acme/shop@${DIGEST} --severity=LOW` },
])("$kind $id$reference is refused before anything runs", (subject) => {
  expect(() => checkSubject(subject)).toThrowError(expect.objectContaining({ code: "INVALID_INPUT" }));
});

it("gives Trivy credentials, but none of its options by environment", () => {
  const env = { PATH: "/bin", DOCKER_CONFIG: "x", TRIVY_SEVERITY: "LOW", trivy_ignorefile: "x", TRIVY_PASSWORD: "p" };
  expect(inheritedNames(env)).toEqual(["PATH", "DOCKER_CONFIG", "TRIVY_PASSWORD"]);
});
