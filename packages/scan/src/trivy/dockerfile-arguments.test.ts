import { describe, expect, it } from "vitest";
import { dockerfileArguments, withoutIgnores } from "./dockerfile-arguments.ts";

describe("the arguments for Dockerfiles", () => {
  it("name the folder of the copies alone, need no database, and leave every decision to the gate", () => {
    expect(dockerfileArguments(["vuln", "secret", "license", "misconfig"], 90_500)).toEqual([
      "fs",
      "--format=json",
      "--output=report.json",
      "--exit-code=0",
      "--no-progress",
      "--scanners=misconfig,secret",
      "--timeout=91s",
      "--cache-dir=cache",
      "--cache-backend=memory",
      "--offline-scan",
      "--skip-check-update",
      "--",
      "dockerfiles",
    ]);
    expect(dockerfileArguments(["vuln", "secret"], 1_000)).toContain("--scanners=secret");
  });
});

describe("comments by which Trivy leaves findings out", () => {
  it.each([
    ["#trivy:ignore:DS-0002\nFROM a\n", "#trivy.ignore:DS-0002\nFROM a\n"],
    ["USER root # tfsec:exp:2030-01-01:ignore:*", "USER root # tfsec.exp:2030-01-01:ignore:*"],
    ["RUN a\r\n# trivy:ignore:a trivy:ignore:b\r\n", "RUN a\r\n# trivy.ignore:a trivy.ignore:b\r\n"],
    ["#trivy:x\t:y:ignore:DS-0002", "#trivy.x\t:y:ignore:DS-0002"],
    ["#\u00a0trivy:\u00a0ignore:DS-0002", "#\u00a0trivy.\u00a0ignore:DS-0002"],
    ["RUN git clone https://trivy:password@example.com/a", "RUN git clone https://trivy:password@example.com/a"],
  ])("mean nothing: %j", (text, expected) => {
    expect(withoutIgnores(text)).toBe(expected);
    expect(withoutIgnores(text)).toHaveLength(text.length);
  });
});
