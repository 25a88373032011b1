import { BelayError, type Finding, LABELS, scopeHash } from "@belay/core";
import type { RenderRequest } from "../desired.ts";
import { orderServices, type ServiceOrder } from "./order-services.ts";
import { STACK_LABEL, type StackDocument } from "./stack-document.ts";

/** Which services of the files are deployed, by their keys there. */
export interface ChosenServices {
  /** Those of the release: key → name in belay.yaml. */
  readonly released: ReadonlyMap<string, string>;
  /** Others that are not on the engine, that the release depends on. */
  readonly missing: readonly string[];
  /** Others that are not on the engine, of a stack that nobody has deployed yet. */
  readonly companions: readonly string[];
  /** Full names of services of Belay's that the files no longer have. */
  readonly prune: readonly string[];
  readonly order: ServiceOrder;
  readonly findings: readonly Finding[];
}

/**
 * The release's services are created or changed; others of the files are created when the release needs them or when nobody
 * has deployed the stack yet, and never changed. @throws BelayError CONFIG_INVALID when a service is not in the files.
 */
export function chooseServices(document: StackDocument, request: RenderRequest): ChosenServices {
  const stack = request.scope.project;
  const released = new Map(Object.keys(request.images).map((service) => [keyOf(service, document, request), service]));
  const order = orderServices(
    Object.fromEntries(Object.entries(document.services).map(([key, one]) => [key, one.depends_on ?? []])),
  );
  const there = new Set(request.existing.map(({ Spec }) => Spec.Name));
  const absent = Object.keys(document.services).filter((key) => !released.has(key) && !there.has(`${stack}_${key}`));
  const needed = new Set([...released.keys()].flatMap((key) => order.waitsFor.get(key) ?? []));
  const missing = absent.filter((key) => needed.has(key));
  const companions = isFresh(document, released, needed, request) ? absent.filter((key) => !needed.has(key)) : [];
  const left = absent.filter((key) => !missing.includes(key) && !companions.includes(key));
  return {
    released,
    missing,
    companions,
    prune: pruned(document, request),
    order,
    findings: [...notices(missing, companions, left, order), ...strangers(document, request)],
  };
}

function keyOf(service: string, document: StackDocument, { scope, services }: RenderRequest): string {
  const given = services[service]?.name ?? `${scope.project}_${service}`;
  const key = given.startsWith(`${scope.project}_`) ? given.slice(scope.project.length + 1) : given;
  if (document.services[key] !== undefined) return key;
  const there = Object.keys(document.services);
  throw new BelayError("CONFIG_INVALID", {
    doing: `looking for the service ${service} in the stack ${scope.project}`,
    got: `its files have no service ${key}${there.length === 0 ? "" : `, only ${there.join(", ")}`}`,
    next: `Set \`services.${service}.names.swarm\` in belay.yaml: the stack's name, \`_\`, and the name in the files.`,
  });
}

/** Nothing of the stack is there but what Belay itself made for this release: nobody else has deployed it. */
function isFresh(
  document: StackDocument,
  released: ReadonlyMap<string, string>,
  needed: ReadonlySet<string>,
  { existing, scope }: RenderRequest,
): boolean {
  const own = existing.filter(({ Spec }) => Spec.Labels?.[STACK_LABEL] === scope.project);
  return own.every(({ Spec }) => {
    const key = Spec.Name.slice(scope.project.length + 1);
    const inFiles = document.services[key] !== undefined && (released.has(key) || needed.has(key));
    return inFiles && Spec.Labels?.[LABELS.scope] === scopeHash(scope);
  });
}

function pruned(document: StackDocument, request: RenderRequest): string[] {
  return goneFromFiles(document, request, scopeHash(request.scope));
}

/**
 * Another pipeline, or a person, may deploy a part of the stack from files of its own: what Belay neither made nor changed
 * is not its to take away.
 */
function strangers(document: StackDocument, request: RenderRequest): Finding[] {
  const names = goneFromFiles(document, request, undefined);
  if (names.length === 0) return [];
  const message = `the stack's files do not have ${names.join(", ")}, and not Belay deployed ${names.length === 1 ? "it" : "them"}: left as ${names.length === 1 ? "it is" : "they are"} (to remove: docker service rm ${names.join(" ")})`;
  return [{ level: "warn", check: "service_left", message }];
}

/** Services of the stack that the files don't have, of the owner, or of nobody. */
function goneFromFiles(
  document: StackDocument,
  { existing, scope }: RenderRequest,
  owner: string | undefined,
): string[] {
  return existing.flatMap(({ Spec }) => {
    const inStack = Spec.Labels?.[STACK_LABEL] === scope.project;
    const kept = document.services[Spec.Name.slice(scope.project.length + 1)] !== undefined;
    return inStack && !kept && Spec.Labels?.[LABELS.scope] === owner ? [Spec.Name] : [];
  });
}

function notices(
  missing: readonly string[],
  companions: readonly string[],
  left: readonly string[],
  order: ServiceOrder,
): Finding[] {
  const warn = (check: string, names: readonly string[], message: string): Finding[] =>
    names.length === 0 ? [] : [{ level: "warn", check, message }];
  return [
    ...warn(
      "dependencies_created",
      missing,
      `${missing.join(", ")} of the stack's files are not on the swarm yet: the release needs them, so they are created now and not changed afterwards`,
    ),
    ...warn(
      "companions_created",
      companions,
      `nobody has deployed the stack yet, so its other services (${companions.join(", ")}) are created too, once the release serves; they are not changed afterwards`,
    ),
    ...warn(
      "service_absent",
      left,
      `${left.join(", ")} of the stack's files are not on the swarm and not in the release: they are not created`,
    ),
    ...warn(
      "depends_on_circle",
      order.circles,
      `\`depends_on\` leads in a circle (${order.circles.join(", ")}): those are left out of the order`,
    ),
  ];
}
