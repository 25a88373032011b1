import type { Source } from "@belay/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { imageTags } from "../image-tags.ts";
import { applyTagRules, type TagEvent } from "./apply-tag-rules.ts";
import { parseFlavor } from "./parse-flavor.ts";
import { parseTagRule } from "./parse-tag-rule.ts";

const SHA = "860c1904a1ce19322e91ac35af1ab07466440c37";
const NOW = new Date("2020-01-10T00:30:00Z");
const DOING = "reading services.web.build.tags";

interface Run {
  readonly ref?: string;
  readonly pullRequest?: number;
  readonly event?: TagEvent;
  readonly flavor?: readonly string[];
}

function apply(rules: readonly string[], { ref = "refs/heads/master", pullRequest, event, flavor = [] }: Run = {}) {
  const own = pullRequest === undefined ? { ref } : { ref: `refs/pull/${pullRequest}/merge`, pullRequest };
  const source: Source = { repository: "", revision: SHA, committedAt: "2020-01-09T10:00:00Z", ...own };
  const parsed = rules.map((rule) => parseTagRule(rule, DOING));
  const context = { source, now: NOW, doing: DOING, ...(event === undefined ? {} : { event }) };
  return applyTagRules(parsed, parseFlavor(flavor, DOING), context);
}

const tag = (name: string): Run => ({ ref: `refs/tags/${name}` });
const branch = (name: string): Run => ({ ref: `refs/heads/${name}` });
const nightly: Run = { event: { name: "schedule" } };

/** What the README of docker/metadata-action states of each type, without `latest`, which has its own cases. */
describe("the rules of docker/metadata-action", () => {
  it.each<[string, Run, string[]]>([
    ["type=schedule", nightly, ["nightly"]],
    ["type=schedule,pattern={{date 'YYYYMMDD'}}", nightly, ["20200110"]],
    ["type=schedule,pattern={{date 'YYYYMMDD-HHmmss' tz='Asia/Tokyo'}}", nightly, ["20200110-093000"]],
    ["type=schedule", {}, []],
    ["type=semver,pattern={{raw}}", tag("v1.2.3"), ["v1.2.3"]],
    ["type=semver,pattern={{version}}", tag("v1.2.3"), ["1.2.3"]],
    ["type=semver,pattern={{major}}.{{minor}}", tag("v1.2.3"), ["1.2"]],
    ["type=semver,pattern=v{{major}}", tag("v1.2.3"), ["v1"]],
    ["type=semver,pattern={{minor}}", tag("v1.2.3"), ["2"]],
    ["type=semver,pattern={{patch}}", tag("v1.2.3"), ["3"]],
    ["type=semver,pattern={{version}},match=v(\\d.\\d.\\d)$", tag("p1/v1.2.3"), ["1.2.3"]],
    ["type=semver,pattern={{raw}}", tag("v2.0.8-beta.67"), ["v2.0.8-beta.67"]],
    ["type=semver,pattern={{version}}", tag("v2.0.8-beta.67"), ["2.0.8-beta.67"]],
    ["type=semver,pattern={{major}}", tag("v2.0.8-beta.67"), ["2.0.8-beta.67"]],
    ["type=semver,pattern={{major}}.{{minor}}", tag("v2.0.8-beta.67"), ["2.0.8-beta.67"]],
    ["type=semver,pattern={{version}},value=v1.0.0", branch("master"), ["1.0.0"]],
    ["type=semver,pattern={{version}},value=p1/v1.0.0,match=v(\\d.\\d.\\d)$", branch("master"), ["1.0.0"]],
    ["type=semver,pattern={{version}}", branch("master"), []],
    ["type=match,pattern=\\d.\\d.\\d", tag("v1.2.3"), ["1.2.3"]],
    ["type=match,pattern=v(.*),group=1", tag("v2.0.8-beta.67"), ["2.0.8-beta.67"]],
    ["type=match,pattern=v(\\d.\\d),group=1", tag("v2.0.8-beta.67"), ["2.0"]],
    ["type=match,pattern=\\d+", tag("20200110-RC2"), ["20200110"]],
    ["type=match,pattern=p1/v(\\d.\\d.\\d),group=1", tag("p1/v1.2.3"), ["1.2.3"]],
    ["type=match,pattern=/V(.*)/i,group=1", tag("v1.0"), ["1.0"]],
    ["type=match,pattern=v(.*),group=1,value=v1.0.0", branch("master"), ["1.0.0"]],
    ["type=edge,branch=main", branch("main"), ["edge"]],
    ["type=edge,branch=main", branch("other"), []],
    ["type=edge", { ...branch("main"), event: { name: "push", defaultBranch: "main" } }, ["edge"]],
    ["type=edge", branch("main"), []],
    ["type=ref,event=pr", { pullRequest: 2 }, ["pr-2"]],
    ["type=ref,event=branch", { pullRequest: 2 }, []],
    ["type=ref,event=branch", branch("master"), ["master"]],
    ["type=ref,event=branch", branch("my/branch"), ["my-branch"]],
    ["type=ref,event=tag", tag("v1.2.3"), ["v1.2.3"]],
    ["type=ref,event=tag", tag("v2.0.8-beta.67"), ["v2.0.8-beta.67"]],
    ["type=ref,event=tag", branch("master"), []],
    ["type=raw,value=foo", {}, ["foo"]],
    ["type=raw,foo", {}, ["foo"]],
    ["foo", {}, ["foo"]],
    ["type=sha", {}, ["sha-860c190"]],
    ["type=sha,format=long", {}, [`sha-${SHA}`]],
    ["type=sha,prefix=,suffix=-x", {}, ["860c190-x"]],
    ["type=sha,prefix={{branch}}-", branch("my/branch"), ["my-branch-860c190"]],
    ["type=raw,value=mytag-{{branch}}-{{sha}}", branch("master"), ["mytag-master-860c190"]],
    ["type=raw,value={{tag}}", tag("v1.2.3"), ["v1.2.3"]],
    ["type=raw,value={{tag}}", branch("master"), []],
    ["type=raw,value={{base_ref}}", { pullRequest: 2, event: { name: "pull_request", baseRef: "master" } }, ["master"]],
    ["type=raw,\"value={{date 'dddd, MMMM Do YYYY, h:mm:ss a'}}\"", {}, ["Friday-January-10th-2020-12-30-00-am"]],
    ["type=raw,value={{commit_date 'YYYYMMDD-HHmmss' tz='Asia/Tokyo'}}", {}, ["20200109-190000"]],
    ["type=raw,value=x,enable=false", {}, []],
    ["type=raw,value=x,enable={{is_default_branch}}", branch("other"), []],
    ["type=raw,value=x,enable={{is_not_default_branch}}", branch("other"), ["x"]],
    ["type=raw,value=x,enable={{is_default_branch}}", nightly, ["x"]],
  ])("%s, for %j", (rule, run, wanted) => {
    expect(apply([rule], { flavor: ["latest=false"], ...run }).tags).toEqual(wanted);
  });

  it.each<[string, Run, readonly string[]]>([
    ["type=ref,event=tag", tag("v1"), ["v1", "latest"]],
    ["type=semver,pattern={{version}}", tag("v1.2.3"), ["1.2.3", "latest"]],
    ["type=semver,pattern={{version}}", tag("v1.2.3-rc.1"), ["1.2.3-rc.1"]],
    ["type=match,pattern=\\d", tag("v1"), ["1", "latest"]],
    ["type=ref,event=branch", branch("master"), ["master"]],
    ["type=ref,event=branch", { flavor: ["latest=true"] }, ["master", "latest"]],
    [
      "type=raw,value=latest,enable={{is_default_branch}}",
      { event: { name: "push", defaultBranch: "master" } },
      ["latest"],
    ],
    [
      "type=ref,event=branch",
      { flavor: ["latest=true", "prefix=a-", "suffix=-z,onlatest=true"] },
      ["a-master-z", "latest-z"],
    ],
    ["type=ref,event=branch,prefix=", { flavor: ["prefix=a-,onlatest=true"] }, ["master"]],
  ])("latest with %s, for %j", (rule, run, wanted) => {
    expect(apply([rule], run).tags).toEqual(wanted);
  });

  it("come in the order of their priorities, and the first says whether `latest` is one of them", () => {
    const rules = [
      "type=sha",
      "foo",
      "type=ref,event=tag",
      "type=semver,pattern={{version}}",
      "type=raw,value=top,priority=1001",
    ];
    expect(apply(rules, tag("v1.2.3")).tags).toEqual(["top", "1.2.3", "v1.2.3", "foo", "sha-860c190"]);
    expect(apply(rules.slice(0, -1), tag("v1.2.3")).tags).toEqual(["1.2.3", "v1.2.3", "foo", "sha-860c190", "latest"]);
  });

  it("say what did not fit", () => {
    expect(apply(["type=semver,pattern={{version}}"], tag("nightly")).warnings).toEqual([
      "nightly is no semantic version (semver.org)",
    ]);
    expect(apply(["type=match,pattern=v(.*),group=2"], tag("v1")).warnings).toEqual([
      "v(.*) (group 2) does not match v1",
    ]);
  });

  it.each([
    ["type=pep440,pattern={{version}}", "Legal types"],
    ["type=ref", "needs `event`"],
    ["type=semver", "needs `pattern`"],
    ["type=raw", "needs `value`"],
    ["type=sha,format=tiny", "Legal values: short, long"],
    ["type=raw,value=a,prioritty=1", "Legal attributes"],
    ["type=raw,value=a,priority=x", "no number"],
    ["type=match,pattern=(", "regular expression"],
    ["type=raw,value={{evil}}", "Legal expressions"],
    ["type=raw,value={{constructor}}", "Legal expressions"],
    ["type=raw,value={{date 'YYYY' tz='Mars'}}", "time zone"],
    // A comma ends an attribute, unless quotes are around it.
    ["type=raw,value={{date 'dddd, MMMM Do YYYY'}}", "says `value` twice"],
    ["type=raw,value=a,enable=yes", "Legal values: true, false"],
  ])("%s is refused", (rule, wrong) => {
    expect(() => apply([rule])).toThrow(wrong);
  });

  it("refuse a flavor that there is not", () => {
    for (const flavor of ["latest=maybe", "onlatest=true", "infix=a", "prefix"]) {
      expect(() => apply(["a"], { flavor: [flavor] })).toThrow("Legal lines");
    }
  });
});

describe("the tags of an image with rules", () => {
  const source = (ref: string): Source => ({ repository: "", revision: SHA, ref });
  const rules = (tags: readonly string[], warnings: string[] = []) => ({
    rules: { tags, now: NOW, doing: DOING, warn: (text: string) => warnings.push(text) },
  });

  it("begin with the tag that never moves, and leave other commits' to them", () => {
    expect(imageTags(source("refs/heads/master"), rules(["type=ref,event=branch"]))).toEqual([
      "sha-860c1904a1ce",
      "master",
    ]);
    const warnings: string[] = [];
    const taken = imageTags(
      source("refs/heads/sha-0123456789ab"),
      rules(["type=ref,event=branch", "type=sha"], warnings),
    );
    expect(taken).toEqual(["sha-860c1904a1ce", "sha-860c190"]);
    expect(warnings.join()).toContain("another commit's for ever");
  });

  it("are legal, whatever the branch is called", () => {
    const legal = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1 }), (name) => {
        const tags = imageTags(
          source(`refs/heads/${name}`),
          rules(["type=ref,event=branch", "type=sha,prefix={{branch}}-"]),
        );
        for (const one of tags) expect(one).toMatch(legal);
      }),
    );
  });
});
