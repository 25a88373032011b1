import { describe, expect, it } from "vitest";
import type { Finding } from "../report/finding.ts";
import { locateFinding } from "./locate-finding.ts";

const DOCKERFILE = `FROM debian:12
RUN apt-get update \\
 # of the day
 && apt-get install --yes  curl
COPY web/ /app
RUN ["node", "--test"]
`;

function place(more: Partial<Finding>, paths: readonly string[] = ["web/package-lock.json", "web/Dockerfile"]) {
  const finding = {
    kind: "secret",
    severity: "HIGH",
    id: "x",
    title: "x",
    target: "Debian",
    line: 0,
    ...more,
  } as Finding;
  const first = { finding, effect: "fails", because: "" } as const;
  const places = [finding.target];
  return locateFinding({ first, platforms: [], places }, { paths, dockerfiles: { "web/Dockerfile": DOCKERFILE } });
}

describe("the place of a finding", () => {
  it.each([
    ["app/package-lock.json", { file: "web/package-lock.json" }],
    ["usr/src/app/web/package-lock.json", { file: "web/package-lock.json" }],
    ["/package-lock.json", { file: "web/package-lock.json" }],
    ["usr/lib/node_modules/npm/package-lock.json", undefined],
    ["app/yarn.lock", undefined],
    ["", undefined],
  ])("of %s is the file of the repository that it is", (target, expected) => {
    expect(place({ target })).toEqual(expected);
  });

  it("of a file of the repository is that file, whatever else has its name", () => {
    const paths = ["Dockerfile", "web/Dockerfile"];
    const found = { target: "Dockerfile", line: 7, inRepository: true } as const;
    expect(place(found, paths)).toEqual({ file: "Dockerfile", line: 7 });
    expect(place({ ...found, line: 0, target: "usr/Dockerfile" }, paths)).toEqual({ file: "usr/Dockerfile" });
    expect(place({ target: "Dockerfile", line: 7 }, paths)).toBe(undefined);
  });

  it("has the line of a secret, and is none where two files could be meant", () => {
    const target = "app/.npmrc";
    expect(place({ target, line: 3 }, ["a/.npmrc"])).toEqual({ file: "a/.npmrc", line: 3 });
    expect(place({ target, line: 3 }, ["a/.npmrc", "b/.npmrc"])).toBeUndefined();
  });

  it.each([
    ["RUN /bin/sh -c apt-get update  && apt-get install --yes  curl # buildkit", 2],
    ["/bin/sh -c apt-get update   && apt-get install --yes curl", 2],
    ["COPY web/ /app # buildkit", 5],
    ["RUN node --test", undefined],
    ["/bin/sh -c #(nop) COPY web/ /app", 5],
  ])("is the instruction that made its layer: %s", (createdBy, line) => {
    expect(place({ layer: { createdBy } })?.line).toBe(line);
  });
});
