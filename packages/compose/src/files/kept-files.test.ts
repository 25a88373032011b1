import { DEFAULT_ROLLOUT, Redactor, scopeHash } from "@belay/core";
import type { ContainerFile, Docker } from "@belay/docker";
import { describe, expect, it } from "vitest";
import { projectThen } from "../containers/project-then.ts";
import { notCovered } from "../plan/findings.ts";
import { planServices } from "../plan/plan-services.ts";
import { container, inspectOf, madeBy } from "../testing/containers.ts";
import { decodeSnapshot, takeSnapshot } from "../way-back/snapshot.ts";
import type { ComposeProject } from "./compose-project.ts";
import { FILES_LABEL, filesLabel, keepFiles, referencesOf, textsOf } from "./kept-files.ts";

const project: ComposeProject = {
  name: "shop",
  services: {
    web: {
      image: "shop:1",
      configs: [{ source: "greeting", target: "/etc/greeting" }, { source: "database" }, { source: "mounted" }],
      secrets: [{ source: "token" }],
    },
  },
  configs: {
    greeting: { content: "hello $$1" },
    database: { content: "password=hunter2-hunter2" },
    mounted: { file: "/srv/m" },
  },
  secrets: { token: { environment: "TOKEN" } },
};
const env = { TOKEN: "s3cret-s3cret" };
const redactor = new Redactor();
for (const value of ["hunter2-hunter2", "s3cret-s3cret"]) redactor.add(value);
const label = filesLabel(project, "web", env, redactor);

/** An engine that has these files in its containers. */
function engine(files: Readonly<Record<string, string>>) {
  const read: string[] = [];
  const readFile = async (_: string, path: string): Promise<ContainerFile | undefined> => {
    read.push(path);
    const text = files[path];
    return text === undefined ? undefined : { bytes: Buffer.from(text), uid: 7, gid: 8, mode: 0o400 };
  };
  return { read, docker: { containers: { readFile } } as unknown as Docker };
}

const THERE = { "/etc/greeting": "hello $1", "/database": "password=old", "/run/secrets/token": "old" };
const labelled = inspectOf("1", { labels: { ...madeBy("scope", 7, "new"), ...label } });

describe("what is copied into a container", () => {
  it("is noted on it without its text, and whether that is no secret", () => {
    expect(referencesOf({ Config: { Labels: label } })).toEqual([
      { of: "configs", source: "greeting", path: "/etc/greeting", open: true },
      { of: "configs", source: "database", path: "/database", open: false },
      { of: "secrets", source: "token", path: "/run/secrets/token", open: false },
    ]);
    expect(JSON.stringify(label)).not.toMatch(/hello|hunter2|s3cret/);
  });

  it("is not known of one without the note, and nothing is taken from one that is none of ours", () => {
    expect(referencesOf({ Config: {} })).toBeUndefined();
    const of = (text: string) => referencesOf({ Config: { Labels: { [FILES_LABEL]: text } } });
    expect([of("{"), of("{}"), of("[]")]).toEqual([undefined, undefined, []]);
    expect(of('[null, 1, {"of":"configs","source":"a","path":"relative","open":true}]')).toEqual([]);
  });

  it("is kept in the snapshot, but for what is or holds a secret", async () => {
    const { docker } = engine(THERE);
    const kept = await keepFiles(docker, labelled);
    expect(textsOf(kept ?? [])).toEqual([{ path: "/etc/greeting", content: "hello $1", uid: 7, gid: 8, mode: 0o400 }]);
    expect(kept?.map(({ path, mode, text }) => [path, mode, text])).toEqual([
      ["/etc/greeting", 0o400, "hello $1"],
      ["/database", 0o400, undefined],
      ["/run/secrets/token", 0o400, undefined],
    ]);
    const gone = await keepFiles(engine({}).docker, labelled);
    expect(gone?.map(({ text }) => text)).toEqual([undefined, undefined, undefined]);
    expect(await keepFiles(docker, inspectOf("1"))).toBeUndefined();
  });

  it("comes with the snapshot of a deployment, whose plan names what the way back does not cover", async () => {
    const scope = { target: "compose", project: "shop", application: "shop", environment: "test" } as const;
    const one = container("1", { labels: { ...madeBy(scopeHash(scope), 7, "old"), ...label } });
    const image = { repository: "r/shop", digest: `sha256:${"a".repeat(64)}`, tags: [], platforms: {} } as const;
    const plan = planServices({
      ...{ release: { services: { web: image } } as never, policy: DEFAULT_ROLLOUT, scope, rendered: project, env },
      ...{ names: { web: { name: "web" } }, containers: [one], outsiders: new Set() },
    });
    expect(notCovered(plan)).toEqual(["the value of the config database", "the value of the secret token"]);
    const { services } = decodeSnapshot(await takeSnapshot(plan, 0, engine(THERE).docker));
    expect(services[0]?.files?.map(({ source, text }) => [source, text])).toEqual([
      ["greeting", "hello $1"],
      ["database", undefined],
      ["token", undefined],
    ]);
  });

  it("takes only what was not kept from the files as they are now, to where it was", async () => {
    const files = await keepFiles(engine(THERE).docker, labelled);
    const model = { inspect: labelled, image: "shop:1", imageConfig: undefined };
    const web = (more: object) => projectThen(project, new Map([["web", { ...model, ...more }]])).services.web;
    expect(web({ files })).toMatchObject({
      configs: [{ source: "database", target: "/database", uid: "7", gid: "8", mode: 0o400 }],
      secrets: [{ source: "token", target: "/run/secrets/token", uid: "7", gid: "8", mode: 0o400 }],
    });
    expect(web({})).toMatchObject({ configs: project.services.web?.configs, secrets: [{ source: "token" }] });
  });
});
