import { describe, expect, it } from "vitest";
import { normalFrame } from "../spec/normal-spec.ts";
import { OTHER_IMAGE, spec } from "../testing/tasks.ts";
import { taskRevision } from "./task-revision.ts";

const NETWORKS = new Map([["id1", "shop_default"]]);
const revision = (template = spec().TaskTemplate): string => taskRevision(template, NETWORKS);
const { TaskTemplate } = spec();
const container = TaskTemplate.ContainerSpec;

describe("the revision of a task spec", () => {
  it("is the same however the spec was written", () => {
    const plain = {
      ContainerSpec: { Image: container?.Image ?? "", Env: ["A=b"] },
      RestartPolicy: { Delay: 1_000_000_000 },
    };
    expect(revision(plain)).toBe(revision());
  });

  it("does not change with what a newer engine shows besides", () => {
    const privileges = (NoNewPrivileges: boolean) => ({
      ContainerSpec: { Image: "x", Privileges: { NoNewPrivileges } },
    });
    expect(revision(privileges(false))).toBe(revision({ ContainerSpec: { Image: "x", Privileges: {} } }));
    expect(revision(privileges(true))).not.toBe(revision(privileges(false)));
  });

  it.for<readonly [string, object]>([
    ["the image", { ContainerSpec: { ...container, Image: OTHER_IMAGE } }],
    ["a variable", { ContainerSpec: { ...container, Env: ["A=c"] } }],
    ["a limit", { Resources: { Limits: { MemoryBytes: 1 } } }],
    ["an immediate stop", { ContainerSpec: { ...container, StopGracePeriod: 0 } }],
    ["a config's name", { ContainerSpec: { ...container, Configs: [{ ConfigID: "1", ConfigName: "a", File: null }] } }],
    ["a network", { Networks: [{ Target: "id1" }] }],
    ["the restart condition", { RestartPolicy: { ...TaskTemplate.RestartPolicy, Condition: "none" } }],
  ])("is another one with %s", ([, change]) => {
    expect(revision({ ...TaskTemplate, ...change })).not.toBe(revision());
  });

  it("names the config of a credential spec, however the spec does", () => {
    const spec = (Config: string) => ({
      ContainerSpec: {
        Image: "x",
        Configs: [{ ConfigID: "id", ConfigName: "gmsa", Runtime: {} }],
        Privileges: { CredentialSpec: { Config } },
      },
    });
    expect(revision(spec("id"))).toBe(revision(spec("gmsa")));
    expect(revision(spec("other"))).not.toBe(revision(spec("gmsa")));
  });

  it("does not depend on ids, nor on how often tasks were replaced by force", () => {
    const config = (ConfigID: string) => ({ ContainerSpec: { Image: "x", Configs: [{ ConfigID, ConfigName: "a" }] } });
    expect(revision(config(""))).toBe(revision(config("abc")));
    expect(revision({ ...TaskTemplate, ForceUpdate: 9 })).toBe(revision());
    expect(revision({ ...TaskTemplate, Networks: [{ Target: "id1" }] })).toBe(
      revision({ ...TaskTemplate, Networks: [{ Target: "shop_default" }] }),
    );
  });
});

describe("the rest of a service's spec", () => {
  const frame = (more: Parameters<typeof spec>[0]): string => normalFrame(spec(more), "without");

  it("knows the engine's defaults", () => {
    expect(frame({ EndpointSpec: {} })).toBe(frame({}));
    expect(frame({ UpdateConfig: { Parallelism: 1 } })).toBe(
      frame({ UpdateConfig: { Parallelism: 1, FailureAction: "pause", Order: "stop-first", MaxFailureRatio: 0 } }),
    );
    expect(frame({ EndpointSpec: { Ports: [{ TargetPort: 80 }] } })).toBe(
      frame({ EndpointSpec: { Mode: "vip", Ports: [{ TargetPort: 80, Protocol: "tcp", PublishMode: "ingress" }] } }),
    );
    const job = (ReplicatedJob: object): string => frame({ Mode: { ReplicatedJob } });
    expect(job({})).toBe(job({ MaxConcurrent: 1, TotalCompletions: 1 }));
    expect(job({ MaxConcurrent: 2 })).toBe(job({ MaxConcurrent: 2, TotalCompletions: 2 }));
    expect(job({ MaxConcurrent: 2 })).not.toBe(job({}));
  });

  it("changes with everything else, and with labels unless they are Belay's", () => {
    expect(frame({ UpdateConfig: { Parallelism: 0 } })).not.toBe(frame({ UpdateConfig: { Parallelism: 1 } }));
    expect(frame({ Labels: { tier: "front" } })).not.toBe(frame({}));
    expect(frame({ Labels: { "dev.belay.deployment": "4" } })).toBe(frame({}));
    expect(normalFrame(spec({ Labels: { "dev.belay.deployment": "4" } }), "with labels of Belay")).not.toBe(frame({}));
  });
});
