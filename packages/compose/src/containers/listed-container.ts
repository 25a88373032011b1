import { LABELS } from "@belay/core";
import type { ContainerHealth, ContainerInspect, ContainerSummary, EndpointSettings } from "@belay/docker";
import { COMPOSE_LABELS } from "../files/revision.ts";
import { type ComposeContainer, containerOf } from "./compose-container.ts";
import type { Death, Note } from "./container-notes.ts";

/** What a listing shows of a container, where it tells whether the container is still as it was. */
export interface Listed {
  readonly status: ContainerSummary["State"];
  readonly health: ContainerHealth["Status"];
  readonly name: string;
  /** Network → endpoint's id; empty while the container does not run. */
  readonly places: Readonly<Record<string, string>>;
}

/**
 * What of a listing is looked at, which of ten thousand containers is a third. One that has not been started yet is needed
 * whole: it may be shown by a twin.
 */
export function slimSummary(summary: ContainerSummary): ContainerSummary {
  const { Id, Names, Image, ImageID, Created, State, Status, Labels, NetworkSettings } = summary;
  if (State === "created") return summary;
  const service = Labels[COMPOSE_LABELS.service];
  return {
    ...{ Id, Names, Image, ImageID, Created, State, Status },
    Labels: service === undefined ? {} : { [COMPOSE_LABELS.service]: service },
    ...(NetworkSettings === undefined ? {} : { NetworkSettings }),
  };
}

export function listedOf(summary: ContainerSummary): Listed {
  const networks = Object.entries(summary.NetworkSettings?.Networks ?? {});
  return {
    status: summary.State,
    health: healthOf(summary),
    name: nameOf(summary),
    places: Object.fromEntries(networks.map(([name, place]) => [name, place.EndpointID ?? ""])),
  };
}

export function isSameListed(one: Listed, other: Listed): boolean {
  if (one.status !== other.status || one.health !== other.health || one.name !== other.name) return false;
  const places = Object.entries(one.places);
  return places.length === Object.keys(other.places).length && places.every(([name, id]) => other.places[name] === id);
}

/** The health stands at the end of the text for people (moby, `container/state.go`). */
function healthOf({ Status }: ContainerSummary): ContainerHealth["Status"] {
  const [, word = "none"] = /\((?:health: )?(starting|healthy|unhealthy)\)$/.exec(Status) ?? [];
  return word as ContainerHealth["Status"];
}

/** Links make further names, which have a second slash. */
function nameOf({ Names }: ContainerSummary): string {
  const own = Names.find((name) => !name.slice(1).includes("/")) ?? Names[0] ?? "";
  return own.replace(/^\//, "");
}

/** Whether a container is in other networks than before, which no start explains: its names there are not known then. */
export function hasMoved(before: Listed, now: Listed, note: Note): boolean {
  const names = new Set([...Object.keys(before.places), ...Object.keys(now.places)]);
  const restarted = note.since.includes("start");
  return [...names].some((name) => {
    const [was, is] = [before.places[name], now.places[name]];
    if (was === undefined || is === undefined) return true;
    return was !== "" && is !== "" && was !== is && !restarted;
  });
}

/** The container with what the listing and the events tell of it newly. What neither shows stays as it was read. */
export function asListed(known: ComposeContainer, summary: ContainerSummary, note: Note): ComposeContainer {
  const { inspect } = known;
  const State = stateOf(inspect, summary, note);
  // The engine counts an end when it decides to start the container again (moby, `daemon/monitor.go`).
  const isCounted = State.Restarting && !inspect.State.Restarting && State.FinishedAt !== inspect.State.FinishedAt;
  return containerOf({
    ...inspect,
    Name: `/${nameOf(summary)}`,
    State,
    RestartCount: inspect.RestartCount + (isCounted ? 1 : 0),
    NetworkSettings: { ...inspect.NetworkSettings, Networks: placesOf(inspect, summary) },
  });
}

function stateOf(
  { State: before, HostConfig }: ContainerInspect,
  summary: ContainerSummary,
  note: Note,
): ContainerInspect["State"] {
  const { startedAt, died } = note;
  // An end is told before the listing shows it (seen on 20.10: some 50 ms). What somebody ended is not started again.
  const behind = summary.State === "running" && hasEnded(note, before) && note.killed === undefined;
  const status = behind ? (comesBack(HostConfig.RestartPolicy?.Name, died) ? "restarting" : "exited") : summary.State;
  const up = status === "running" || status === "paused" || status === "restarting";
  const health = healthOf(summary);
  const started = startedAt !== undefined && startedAt > (Date.parse(before.StartedAt) || 0);
  const ended = died !== undefined && died.at > (Date.parse(before.FinishedAt) || 0);
  return {
    ...before,
    Status: status,
    Running: up,
    Paused: status === "paused",
    Restarting: status === "restarting",
    Dead: status === "dead",
    ...(started ? { StartedAt: new Date(startedAt).toISOString(), Error: "" } : {}),
    ...(ended ? endOf(died) : {}),
    ...(health === "none" ? {} : { Health: { FailingStreak: 0, ...before.Health, Status: health } }),
  };
}

/** By its policy, once it has ended so. Whether it has been started too often only the engine knows. */
export function comesBack(policy: string | undefined, died: Death | undefined): boolean {
  return policy === "always" || policy === "unless-stopped" || (policy === "on-failure" && died?.code !== 0);
}

/** The last that the events tell is that it has ended. */
export function hasEnded({ died, startedAt }: Note, { StartedAt }: ContainerInspect["State"]): boolean {
  return died !== undefined && died.at > Math.max(startedAt ?? 0, Date.parse(StartedAt) || 0);
}

function endOf({ code, at, oomKilled = false }: Death): Partial<ContainerInspect["State"]> {
  return { ExitCode: code, FinishedAt: new Date(at).toISOString(), OOMKilled: oomKilled };
}

function placesOf(inspect: ContainerInspect, summary: ContainerSummary): Readonly<Record<string, EndpointSettings>> {
  const listed = summary.NetworkSettings?.Networks;
  if (listed == null) return inspect.NetworkSettings.Networks;
  const places = Object.entries(listed).map(([name, place]) => {
    const { Aliases, DNSNames, IPAMConfig, Links, DriverOpts, ...shown } = place;
    return [name, { ...inspect.NetworkSettings.Networks[name], ...shown }] as const;
  });
  return Object.fromEntries(places);
}

/** Labels in which the containers of one deployment and service may differ. */
const OWN_LABELS: readonly string[] = [COMPOSE_LABELS.number];

/**
 * A container that was made in one go with another one that is known, and not started yet: it is the same but for what is
 * its own. `undefined` when they are not so made. Only what Belay makes counts: it never makes two unlike ones at once.
 */
export function twinOf(
  known: ComposeContainer,
  image: string,
  summary: ContainerSummary,
): ComposeContainer | undefined {
  const { inspect } = known;
  const labels = inspect.Config.Labels ?? {};
  const deployment = labels[LABELS.deployment];
  if (deployment === undefined || summary.State !== "created" || summary.ImageID !== image) return undefined;
  const own = (all: Readonly<Record<string, string>>): string =>
    JSON.stringify(
      Object.entries(all)
        .filter(([name]) => !OWN_LABELS.includes(name))
        .sort(),
    );
  if (own(labels) !== own(summary.Labels) || summary.Mounts == null) return undefined;
  const places = (networks: object): string => JSON.stringify(Object.keys(networks).sort());
  if (places(inspect.NetworkSettings.Networks) !== places(summary.NetworkSettings?.Networks ?? {})) return undefined;
  const { Hostname, ...config } = inspect.Config;
  const twin: ContainerInspect = {
    ...inspect,
    Id: summary.Id,
    Name: `/${nameOf(summary)}`,
    Created: new Date(summary.Created * 1_000).toISOString(),
    RestartCount: 0,
    State: { ...UNBORN },
    Config: {
      ...config,
      ...(Hostname === undefined ? {} : { Hostname: inspect.Id.startsWith(Hostname) ? short(summary.Id) : Hostname }),
      Labels: summary.Labels,
    },
    Mounts: summary.Mounts,
    NetworkSettings: { ...inspect.NetworkSettings, Networks: twinPlaces(inspect, summary) },
  };
  return containerOf(twin);
}

const UNBORN: ContainerInspect["State"] = {
  ...{ Status: "created", Running: false, Paused: false, Restarting: false, OOMKilled: false, Dead: false },
  ...{ Pid: 0, ExitCode: 0, Error: "", StartedAt: "0001-01-01T00:00:00Z", FinishedAt: "0001-01-01T00:00:00Z" },
};

function twinPlaces(inspect: ContainerInspect, summary: ContainerSummary): Readonly<Record<string, EndpointSettings>> {
  const names = new Map([
    [inspect.Name.replace(/^\//, ""), nameOf(summary)],
    [short(inspect.Id), short(summary.Id)],
  ]);
  const places = Object.entries(inspect.NetworkSettings.Networks).map(([network, place]) => {
    const { EndpointID, IPAddress, GlobalIPv6Address, DNSNames, MacAddress, ...asked } = place;
    return [network, { ...asked, Aliases: (place.Aliases ?? []).map((alias) => names.get(alias) ?? alias) }] as const;
  });
  return Object.fromEntries(places);
}

function short(id: string): string {
  return id.slice(0, 12);
}
