import type { ContainerInspect, ContainerSummary, Docker, EngineEvent } from "@belay/docker";
import { FakeClock } from "@belay/testkit";
import { describe, expect, it } from "vitest";
import { ContainerWatch } from "./container-watch.ts";
import { inspectOf } from "./testing/containers.ts";

/** An engine with two containers of `web` that counts what it is asked, and whose events are given by hand. */
function engine() {
  const asked = { list: 0, inspect: [] as string[] };
  const containers = new Map<string, ContainerInspect>(["1", "2"].map((id) => [id, inspectOf(id)]));
  let give: (event: EngineEvent) => void = () => undefined;
  const summary = ({ Id, State, Config }: ContainerInspect): ContainerSummary => ({
    ...{ Id, Names: [], Image: "", ImageID: "", Created: 0, State: State.Status, Status: "" },
    Labels: Config.Labels ?? {},
  });
  const docker = {
    containers: {
      list: async () => {
        asked.list++;
        return [...containers.values()].map(summary);
      },
      inspect: async (id: string) => {
        asked.inspect.push(id);
        return containers.get(id);
      },
    },
    events: async function* () {
      for (;;) yield await new Promise<EngineEvent>((resolve) => (give = resolve));
    },
  } as unknown as Docker;
  return { docker, asked, containers, give: (event: EngineEvent) => give(event) };
}

const web = new Set(["web"]);
const signal = new AbortController().signal;
const die = (id: string): EngineEvent => ({
  ...{ Type: "container", Action: "die", time: 0, timeNano: Date.parse("2026-01-01T10:00:05Z") * 1e6 },
  Actor: { ID: id, Attributes: { exitCode: "3" } },
});

describe("watching containers", () => {
  it("inspects each again at every look while no events are followed", async () => {
    const { docker, asked } = engine();
    const watch = new ContainerWatch(docker, "shop", new FakeClock());
    await watch.read(web, signal);
    await watch.read(web, signal);
    expect(asked).toEqual({ list: 2, inspect: ["1", "2", "1", "2"] });
  });

  it("inspects only what an event named, what changed its state, and what was not seen for long", async () => {
    const { docker, asked, containers, give } = engine();
    const clock = new FakeClock();
    const watch = new ContainerWatch(docker, "shop", clock);
    const following = watch.follow(signal);
    const change = following.next();
    await watch.read(web, signal);
    await watch.read(web, signal);
    expect(asked.inspect).toEqual(["1", "2"]);
    give(die("2"));
    await change;
    await watch.read(web, signal);
    expect(asked.inspect).toEqual(["1", "2", "2"]);
    containers.set("1", inspectOf("1", { state: { Status: "exited", Running: false } }));
    const seen = await watch.read(web, signal);
    expect(asked.inspect).toEqual(["1", "2", "2", "1"]);
    expect(seen.map((one) => one.inspect.State.Status)).toEqual(["exited", "running"]);
    await clock.advance(15_000);
    await watch.read(web, signal);
    expect(asked.inspect.slice(4).sort()).toEqual(["1", "2"]);
  });

  it("remembers how containers ended and what happened to them", async () => {
    const { docker } = engine();
    const watch = new ContainerWatch(docker, "shop", new FakeClock());
    watch.note(die("2"));
    expect(watch.exits.get("2")).toEqual({ code: 3, at: Date.parse("2026-01-01T10:00:05Z") });
    expect(watch.eventsOf("2")).toEqual(["10:00:05.000 die (exit code 3)"]);
    expect(watch.eventsOf("1")).toEqual([]);
  });
});
