import { containerListed, containerOf, imageOf, lifeOf, PROJECT } from "./simulated-containers.ts";
import { containerEvent, containerId, SimulatedDocker, type SimulatedFilters } from "./simulated-docker.ts";
import type { SimulatedFleet, SimulatedInstance } from "./simulated-fleet.ts";

const CONTAINER = /^\/containers\/(?<id>[0-9a-f]{64})\/json$/;
const IMAGE = /^\/images\/(?<id>sha256:[0-9a-f]{64})\/json$/;

/**
 * A Docker engine that runs a compose project: the part of the Engine API (1.47) that an observation asks. What has ended is
 * removed at once, as a deployment does it. Compared with a real one by a test.
 *
 * `labels`: those that the containers of a release have beside compose's own.
 */
export class SimulatedCompose extends SimulatedDocker {
  readonly #labels: (release: 1 | 2) => Readonly<Record<string, string>>;
  readonly #byId = new Map<string, SimulatedInstance>();

  constructor(fleet: SimulatedFleet, labels: (release: 1 | 2) => Readonly<Record<string, string>> = () => ({})) {
    super(fleet);
    this.#labels = labels;
    this.#note(fleet.instances());
  }

  protected find(path: string, { label }: SimulatedFilters): object | undefined {
    if (path === "/containers/json") return isOurs(label) ? this.#listed() : [];
    if (path === "/volumes") return { Volumes: [], Warnings: null };
    const container = this.#byId.get(CONTAINER.exec(path)?.groups?.id ?? "");
    if (container !== undefined) return containerOf(container, this.#labels(container.release));
    const image = IMAGE.exec(path)?.groups?.id;
    return image === undefined ? undefined : imageOf(image);
  }

  protected eventsOf(one: SimulatedInstance): readonly object[] {
    this.#note([one]);
    const { image, labels, name } = lifeOf(one, this.#labels(one.release));
    const actions = one.state === "ended" ? END : BEGIN;
    return actions.map(([action, more], index) =>
      containerEvent({
        ...{ action, container: containerId(one), image, order: 10 * one.version + index },
        attributes: { ...labels, image, name, ...more },
      }),
    );
  }

  #note(instances: Iterable<SimulatedInstance>): void {
    for (const one of instances) {
      if (one.state === "ended") this.#byId.delete(containerId(one));
      else this.#byId.set(containerId(one), one);
    }
  }

  #listed(): object[] {
    return [...this.#byId.values()].map((one) => containerListed(one, this.#labels(one.release)));
  }
}

const BEGIN: readonly (readonly [action: string, more?: Readonly<Record<string, string>>])[] = [
  ["create"],
  ["start"],
  ["health_status: healthy"],
];
const END: typeof BEGIN = [["kill", { signal: "15" }], ["die", { exitCode: "0" }], ["stop"], ["destroy"]];

function isOurs(label: ReadonlySet<string> | undefined): boolean {
  return label === undefined || label.has(`com.docker.compose.project=${PROJECT}`);
}
