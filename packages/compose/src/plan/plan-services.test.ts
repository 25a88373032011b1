import { createRelease, DEFAULT_ROLLOUT, type RolloutPolicy, scopeHash } from "@belay/core";
import { describe, expect, it } from "vitest";
import type { ComposeContainer } from "../containers/compose-container.ts";
import type { ComposeProject, ComposeService } from "../files/compose-project.ts";
import { revisionHash } from "../files/revision.ts";
import { container, EXITED, madeBy } from "../testing/containers.ts";
import { findObstacles, notCovered } from "./findings.ts";
import { planServices } from "./plan-services.ts";

const scope = { target: "compose", project: "shop", application: "shop", environment: "test" } as const;
const digest = `sha256:${"a".repeat(64)}` as const;
const release = createRelease({
  ...{ stage: "push", application: "shop", source: { repository: "r", revision: "c" }, evidence: {}, createdAt: "now" },
  services: { web: { repository: "ghcr.io/acme/shop", digest, platforms: {}, tags: [] } },
});

function plan(
  services: Record<string, ComposeService>,
  containers: ComposeContainer[] = [],
  policy: Partial<RolloutPolicy> = {},
) {
  const rendered: ComposeProject = { name: "shop", services };
  const whole = { ...DEFAULT_ROLLOUT, ...policy };
  const names = { web: { name: "web" } };
  const input = { release, scope, names, rendered, containers, env: {}, outsiders: new Set<string>(), policy: whole };
  const contents = planServices(input);
  return { contents, web: contents.services[0], findings: findObstacles(contents, containers, whole, scope) };
}

/** Labels of what deployment 3 of this scope made from this service. */
function current(service: ComposeService): Record<string, string> {
  const pinned = { ...service, image: `ghcr.io/acme/shop@${digest}` };
  return madeBy(scopeHash(scope), 3, revisionHash({ name: "shop", services: { web: pinned } }, "web", {}));
}

describe("what is planned for a service", () => {
  it("creates what is not there, with the number of the files or one", () => {
    expect(plan({ web: {} }).web).toMatchObject({ action: "create", desired: 1, goal: "run" });
    expect(plan({ web: { scale: 3 } }).web?.desired).toBe(3);
    expect(plan({ web: { deploy: { replicas: 0 } } }).web).toMatchObject({ action: "unchanged", desired: 0 });
  });

  it("keeps the live number where the files say none, and tells when it changes", () => {
    const two = [container("1"), container("2"), container("3", { state: EXITED })];
    expect(plan({ web: {} }, two).web).toMatchObject({ action: "update", desired: 2 });
    const { web, findings } = plan({ web: { scale: 1 } }, two);
    expect(web?.desired).toBe(1);
    expect(findings).toMatchObject([{ level: "warn", check: "scale_changes" }]);
  });

  it("tells where nothing of a release would run", () => {
    const labels = current({ scale: 0 });
    for (const containers of [[], [container("1", { labels })]]) {
      const { findings } = plan({ web: { scale: 0 } }, containers);
      expect(findings).toContainEqual(expect.objectContaining({ level: "warn", check: "no_replicas", service: "web" }));
    }
    expect(plan({ web: {} }).findings).toEqual([]);
  });

  it("leaves alone what is right: this scope's, of one deployment, sound, and enough", () => {
    const labels = current({});
    const action = (containers: ComposeContainer[], web: ComposeService = {}) => plan({ web }, containers).web?.action;
    expect(action([container("1", { labels })])).toBe("unchanged");
    expect(action([container("1", { labels })], { scale: 2 })).toBe("update");
    expect(action([container("1", { labels })], { environment: { A: "1" } })).toBe("update");
    expect(action([container("1", { labels, state: EXITED })])).toBe("update");
    const ill = { Health: { Status: "unhealthy" as const, FailingStreak: 3 } };
    expect(action([container("1", { labels, state: ill })])).toBe("update");
    expect(action([container("1")])).toBe("update");
    const later = { ...labels, "dev.belay.revision": `${labels["dev.belay.revision"]?.split(".")[0]}.4` };
    expect(action([container("1", { labels }), container("2", { labels: later })])).toBe("update");
    expect(plan({ web: {} }, [container("1", { labels })]).contents.labelledDeployment).toBe(3);
  });

  it("removes what this scope brought and nobody names any more, and nothing else", () => {
    const worker = { "com.docker.compose.service": "worker" };
    const ours = container("9", { labels: { ...current({}), ...worker } });
    const right = container("1", { labels: current({}) });
    const removed = (services: Record<string, ComposeService>, containers: ComposeContainer[]) =>
      plan(services, containers).contents.services.filter((one) => one.action === "remove");
    expect(removed({ web: {} }, [right, ours])).toMatchObject([
      { service: "worker", name: "worker", goal: "run", desired: 0, current: [ours] },
    ]);
    expect(plan({ web: {} }, [right, ours]).findings).toEqual([]);
    expect(removed({ web: {}, worker: {} }, [right, ours])).toEqual([]);
    expect(removed({ web: {} }, [right, container("9", { labels: worker })])).toEqual([]);
    const foreign = container("9", { labels: { ...current({}), ...worker, "dev.belay.scope": "another" } });
    expect(removed({ web: {} }, [right, foreign])).toEqual([]);
  });

  it("replaces only when it is told to, and only what can't overlap", () => {
    const fixed = { ports: [{ target: 80, published: "80" }] };
    const running = [container("1")];
    expect(plan({ web: fixed }, running).findings).toMatchObject([{ level: "refuse", check: "fixed_port" }]);
    const told = plan({ web: fixed }, running, { strategy: "recreate" });
    expect(told.web?.action).toBe("recreate");
    expect(told.findings).toMatchObject([{ level: "warn", check: "fixed_port" }]);
    expect(plan({ web: {} }, running, { strategy: "recreate" }).web?.action).toBe("update");
    expect(plan({ web: fixed }).findings).toEqual([]);
  });

  it("knows what runs once, and what is missing of what the release needs", () => {
    const waits = (condition: "service_started" | "service_completed_successfully") => ({
      depends_on: { web: { condition } },
    });
    expect(plan({ web: {}, api: waits("service_completed_successfully") }).web?.goal).toBe("complete");
    const db = { depends_on: { db: { condition: "service_healthy" as const } } };
    const { contents, findings } = plan({ web: db, db: {}, other: waits("service_started") });
    expect(contents.missingDependencies).toEqual(["db"]);
    expect(findings).toMatchObject([{ check: "dependencies_created" }, { check: "companions_created" }]);
    expect(contents.companions).toEqual(["other"]);
    expect(plan({ web: {}, other: {} }, [container("1")]).contents.companions).toEqual([]);
  });

  it("starts the rest of the files also after a first deployment that left its containers, but not beside others'", () => {
    const depends = { depends_on: { db: { condition: "service_started" as const } } };
    const files = { web: { ...depends, scale: 2 }, db: {}, proxy: {} };
    const of = (service: string) => ({ labels: { "com.docker.compose.service": service } });
    const [bad, db, proxy] = [
      container("1", { labels: current({}) }),
      container("2", of("db")),
      container("3", of("proxy")),
    ];
    expect(plan(files, [bad]).contents.companions).toEqual(["proxy"]);
    expect(plan(files, [bad, db]).contents.companions).toEqual(["proxy"]);
    expect(plan(files, [db]).contents.companions).toEqual(["proxy"]);
    expect(plan(files, [bad, proxy]).contents.companions).toEqual([]);
    expect(plan({ ...files, worker: {} }, [bad, db, proxy]).contents.companions).toEqual([]);
    expect(plan(files, [container("1"), db]).contents.companions).toEqual([]);
    expect(plan({ web: {}, proxy: {} }, [bad]).contents.companions).toEqual([]);
  });

  it("refuses what it does not do, and foreign owners", () => {
    const refused = (web: ComposeService, more: Record<string, ComposeService> = {}, labels = {}) =>
      plan({ web, ...more }, [container("1", { labels })]).findings.map(({ level, check }) => `${level} ${check}`);
    expect(refused({ post_start: [{}] })).toEqual(["refuse lifecycle_hook"]);
    expect(refused({}, { vpn: { network_mode: "service:web" } })).toEqual(["refuse shared_namespace"]);
    expect(refused({}, {}, madeBy("another scope", 1, "x"))).toEqual(["refuse foreign_owner"]);
  });

  it("names what the way back does not cover", () => {
    const volumes = [
      { type: "volume", source: "data", target: "/d" },
      { type: "bind", source: "/srv/nginx.conf", target: "/c", read_only: true },
      { type: "bind", source: "/var/run/docker.sock" },
    ];
    expect(notCovered(plan({ web: { volumes } }).contents)).toEqual([
      "the files at /srv/nginx.conf",
      "the volume shop_data",
    ]);
  });

  it("says which image and which service is missing", () => {
    const rendered = { name: "shop", services: { other: {} } };
    const input = { scope, names: {}, rendered, containers: [], env: {}, outsiders: new Set<string>() };
    const policy = DEFAULT_ROLLOUT;
    expect(() => planServices({ ...input, policy, release })).toThrow(/its files have no service web, only other/);
    const local = createRelease({ ...release, services: { web: { repository: "x", platforms: {}, tags: [] } } });
    expect(() => planServices({ ...input, policy, release: local })).toThrow(/has no digest of a registry/);
  });
});
