import { type Finding, type RolloutPolicy, type Scope, scopeHash } from "@belay/core";
import { type ComposeContainer, isLive } from "../containers/compose-container.ts";
import { anonymousVolumes } from "../containers/creation-body.ts";
import { type ComposeProject, declaredScale, dependencyClosure, resourceName } from "../files/compose-project.ts";
import { referencesOf } from "../files/kept-files.ts";
import { namespaceGuests, overlapObstacles } from "./overlap.ts";
import { isTouched, type PlanContents, type PlannedService } from "./plan-detail.ts";

/** What the files and the running containers tell before any change. Pure; what must be asked of others is not here. */
export function findObstacles(
  plan: PlanContents,
  containers: readonly ComposeContainer[],
  policy: RolloutPolicy,
  scope: Scope,
): Finding[] {
  const touched = plan.services.filter(isTouched);
  return [
    ...plan.services.flatMap((one) => [...foreignOwner(one, scope), ...nothingRuns(one)]),
    ...touched.flatMap((one) => [
      ...cannotOverlap(one, plan.project, policy),
      ...unsupported(one, plan.project),
      ...handOverWarnings(one),
      ...scaleChange(one, plan.project),
      ...anonymousData(one),
      ...stoppedDependencies(one, plan, containers),
    ]),
    ...missingNotice(plan),
    ...companionNotice(plan),
  ];
}

function foreignOwner(one: PlannedService, scope: Scope): Finding[] {
  const foreign = one.current.find(
    (container) => container.scope !== undefined && container.scope !== scopeHash(scope),
  );
  if (foreign === undefined) return [];
  const labels = foreign.inspect.Config.Labels ?? {};
  const owner = `${labels["dev.belay.application"]} in ${labels["dev.belay.environment"]}`;
  return [
    {
      level: "refuse",
      check: "foreign_owner",
      service: one.service,
      message: `the container ${foreign.name} belongs to another deployment of Belay: ${owner}`,
      remedy: "Use another compose project, or the application and environment that it belongs to.",
    },
  ];
}

function cannotOverlap(one: PlannedService, project: ComposeProject, policy: RolloutPolicy): Finding[] {
  if (one.action === "create" || one.action === "remove" || one.goal === "complete") return [];
  const both = one.desired + one.current.filter(isLive).length;
  return overlapObstacles(project.services[one.name] ?? {}, both, one.desired).map(({ check, message }) =>
    policy.strategy === "recreate"
      ? {
          level: "warn",
          check,
          service: one.service,
          message: `${message}: it is down from the stop of the old container until the new one is ready`,
        }
      : {
          level: "refuse",
          check,
          service: one.service,
          message: `old and new can't run side by side: ${message}`,
          remedy: "Set `rollout.strategy: recreate` to accept a downtime, or change the compose file.",
        },
  );
}

function unsupported(one: PlannedService, project: ComposeProject): Finding[] {
  const service = project.services[one.name] ?? {};
  const refuse = (check: string, message: string, remedy: string): Finding => {
    return { level: "refuse", check, service: one.service, message, remedy };
  };
  const guests = one.current.length === 0 ? [] : namespaceGuests(project, one.name);
  return [
    ...((service.post_start ?? service.pre_stop) === undefined
      ? []
      : [refuse("lifecycle_hook", "it has post_start or pre_stop hooks, which Belay does not run", "Take them out.")]),
    ...(service.provider === undefined
      ? []
      : [refuse("provider", "it is made by a provider and has no containers", "Take it out of belay.yaml.")]),
    ...guests.map((guest) =>
      refuse(
        "shared_namespace",
        `${guest} lives in the namespace of its container and would be cut off when that is replaced`,
        "Give that service a network of its own.",
      ),
    ),
  ];
}

function handOverWarnings(one: PlannedService): Finding[] {
  const { cuts, discoveredBy } = one.handOver;
  if (one.action !== "update") return [];
  if (discoveredBy !== undefined) {
    const message = `${discoveredBy} finds it by its labels, so its new containers get traffic when that proxy decides`;
    return [{ level: "warn", check: "discovered_by_labels", service: one.service, message }];
  }
  if (cuts.length === 0) return [];
  return [
    {
      level: "warn",
      check: "started_twice",
      service: one.service,
      message: `it shares a network with both its clients and ${cuts.join(", ")}: a new container that holds connections there is started once more when it gets traffic, because its address changes, and its port is closed until it listens`,
      remedy: `Use a proxy that tries refused connections again, or put ${cuts.join(", ")} and ${one.name} into a network of their own.`,
    },
  ];
}

function scaleChange(one: PlannedService, project: ComposeProject): Finding[] {
  const live = one.current.filter(isLive).length;
  if (one.goal === "complete" || one.action === "remove" || live === 0 || live === one.desired) return [];
  const declared = declaredScale(project.services[one.name] ?? {});
  const message = `${live} containers run and the files say ${declared}: ${one.desired} will run`;
  return [{ level: "warn", check: "scale_changes", service: one.service, message }];
}

/** Also where it is unchanged: what has no container can't be told from what a release has already been given. */
function nothingRuns({ service, goal, desired, action }: PlannedService): Finding[] {
  if (desired > 0 || goal === "complete" || action === "remove") return [];
  const message = "it is scaled to 0, so nothing of the release runs, and nothing can be proven for it";
  return [{ level: "warn", check: "no_replicas", service, message }];
}

function anonymousData(one: PlannedService): Finding[] {
  if (one.action === "remove") return [];
  const volumes = one.current.flatMap((container) => anonymousVolumes(container.inspect));
  const places = [...new Set(volumes.map(({ at }) => at))];
  if (places.length === 0) return [];
  const message = `new containers begin with empty anonymous volumes at ${places.join(", ")}; the old ones are kept on the engine`;
  return [
    { level: "warn", check: "anonymous_volume", service: one.service, message, remedy: "Give data a named volume." },
  ];
}

function stoppedDependencies(
  one: PlannedService,
  plan: PlanContents,
  containers: readonly ComposeContainer[],
): Finding[] {
  const released = new Set(plan.services.map(({ name }) => name));
  const waited = plan.project.services[one.name]?.depends_on ?? {};
  return dependencyClosure(plan.project, one.name).flatMap((name): Finding[] => {
    const theirs = containers.filter((container) => container.service === name);
    if (released.has(name) || theirs.length === 0 || theirs.some(isLive)) return [];
    if (waited[name]?.condition === "service_completed_successfully") return [];
    const message = `it depends on ${name}, whose containers are stopped; Belay leaves them so`;
    return [{ level: "warn", check: "dependency_stopped", service: one.service, message }];
  });
}

function missingNotice({ missingDependencies }: PlanContents): Finding[] {
  if (missingDependencies.length === 0) return [];
  const message = `${missingDependencies.join(", ")} of the compose files have no container yet: the release needs them, so they are started now and not touched afterwards`;
  return [{ level: "warn", check: "dependencies_created", message }];
}

function companionNotice({ companions }: PlanContents): Finding[] {
  if (companions.length === 0) return [];
  const message = `nobody has started the other services of the compose files (${companions.join(", ")}) yet, so they are started too, once the release serves; they are not touched afterwards`;
  return [{ level: "warn", check: "companions_created", message }];
}

/** What the way back does not cover, by name. */
export function notCovered(plan: PlanContents): string[] {
  const mounts = plan.services.filter(isTouched).flatMap((one) => plan.project.services[one.name]?.volumes ?? []);
  const lines = mounts.flatMap((mount) => {
    if (mount.source === undefined || mount.source.endsWith(".sock")) return [];
    if (mount.type === "volume") return [`the volume ${resourceName(plan.project, "volumes", mount.source)}`];
    return mount.type === "bind" ? [`the files at ${mount.source}`] : [];
  });
  return [...new Set([...lines, ...plan.services.filter(isTouched).flatMap(secretTexts)])].sort();
}

/** What compose copied into the containers that run now and no record may hold. */
function secretTexts({ current }: PlannedService): string[] {
  const references = current.flatMap(({ inspect }) => referencesOf(inspect) ?? []).filter(({ open }) => !open);
  return references.map(({ of, source }) => `the value of the ${of === "secrets" ? "secret" : "config"} ${source}`);
}
