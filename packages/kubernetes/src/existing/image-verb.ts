import { BelayError, type Finding, messageOf, type Scope } from "@belay/core";
import { ApiError, isStatus } from "../api/api-error.ts";
import { checkFence } from "../check-fence.ts";
import type { DesiredObject, Marks, ObjectVerb, Preview, SavedObject } from "../desired.ts";
import type { KubernetesApi, PatchOperation } from "../kubernetes-api.ts";
import { type KubernetesObject, keyOf, type ObjectKey, titleOf } from "../kubernetes-object.ts";
import { type PodContainer, type PodTemplate, revisionOf, templateOf, templatePath } from "../workload.ts";
import { bareObject, markOperations, restoredMarks, trimmed } from "./metadata-patch.ts";

interface PatchTerms {
  readonly marks: Marks;
  readonly signal: AbortSignal;
  /** The object as an earlier look of this run showed it. */
  readonly before: KubernetesObject | undefined;
  /** As it was read a moment ago. */
  readonly seen: KubernetesObject | undefined;
}

/** A status that moves changes the resourceVersion too: then the patch is made anew. */
const ATTEMPTS = 12;

/**
 * `kubectl set image` as a JSON patch. It names what it saw (uid, resourceVersion) and the old image, so that it changes
 * nothing that it did not see; and it takes no field but the image, so that the user's own `kubectl apply` goes on working.
 * The way back patches the whole pod template, because a person may have changed more of it meanwhile.
 */
export class ImageVerb implements ObjectVerb {
  readonly #api: KubernetesApi;
  readonly #scope: Scope;

  constructor(api: KubernetesApi, scope: Scope) {
    this.#api = api;
    this.#scope = scope;
  }

  async preview(desired: DesiredObject, live: KubernetesObject | undefined): Promise<Preview> {
    const nothing = { object: undefined, action: "update", differences: [] } as const;
    const template = live && templateOf(live);
    if (live === undefined || template === undefined) return { ...nothing, findings: [] };
    const operations = imageOperations(live.kind, template, desired.images ?? {});
    const differences = operations
      .filter(({ op }) => op === "replace")
      .map(
        ({ path, value }) =>
          `image of ${containerAt(template, path)?.name}: ${containerAt(template, path)?.image} → ${value}`,
      );
    if (operations.length === 0) return { object: live, action: "unchanged", differences, findings: [] };
    try {
      const object = await this.#api.patch(keyOf(live), operations, { dryRun: true });
      return { object, action: "update", differences, findings: [] };
    } catch (error) {
      return { ...nothing, differences, findings: [findingOf(error, desired)] };
    }
  }

  async change(
    desired: DesiredObject,
    marks: Marks,
    signal: AbortSignal,
    seen?: KubernetesObject,
  ): Promise<KubernetesObject> {
    const operationsFor = (live: KubernetesObject): readonly PatchOperation[] => {
      const template = templateOf(live);
      if (template === undefined) return [];
      return imageOperations(live.kind, template, desired.images ?? {}).concat(markOperations(live, marks));
    };
    return this.#patched(desired, { marks, signal, before: seen, seen }, operationsFor);
  }

  save(desired: DesiredObject, live: KubernetesObject | undefined): SavedObject {
    const { apiVersion, kind, name, namespace, verb, service, goal, images } = desired;
    return {
      key: { apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }) },
      verb,
      ...(service === undefined ? {} : { service }),
      ...(goal === undefined ? {} : { goal }),
      ...(images === undefined ? {} : { images }),
      ...(live === undefined ? {} : { was: trimmed(live) }),
    };
  }

  async restore(
    saved: SavedObject,
    marks: Marks,
    signal: AbortSignal,
    known?: KubernetesObject,
  ): Promise<KubernetesObject> {
    const { key, was } = saved;
    if (was === undefined) throw new TypeError(`${titleOf(key)} did not exist before`);
    const wanted = restoredMarks(was, marks);
    const seen = known ?? (await this.#api.get(key, signal));
    if (seen === undefined) return this.#create(was, wanted, signal);
    const operationsFor = (live: KubernetesObject): readonly PatchOperation[] => [
      ...templateOperations(was, live),
      ...markOperations(live, wanted, { exactly: true }),
    ];
    return this.#patched(key, { marks, signal, before: was, seen }, operationsFor);
  }

  async previewRestore({ key, was }: SavedObject): Promise<KubernetesObject> {
    // The whole template is put back as the API server itself showed it.
    if (was === undefined) throw new TypeError(`${titleOf(key)} did not exist before`);
    return was;
  }

  /**
   * Makes a patch of what is there, until it fits: what was seen must still be there when it arrives. A status may move
   * meanwhile; a pod template that does is another's change, and one of a later deployment ends this run.
   */
  async #patched(
    key: ObjectKey,
    { marks, signal, before, seen }: PatchTerms,
    operationsFor: (live: KubernetesObject) => readonly PatchOperation[],
  ): Promise<KubernetesObject> {
    let last: unknown;
    let first = seen;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const live = attempt === 0 && seen !== undefined ? seen : await this.#api.get(key, signal);
      if (live === undefined) throw gone(key);
      checkFence(live, this.#scope, marks, before);
      first ??= live;
      if (!isSameTemplate(first, live)) throw changedMeanwhile(key);
      const operations = operationsFor(live);
      if (operations.length === 0) return live;
      const { uid, resourceVersion } = live.metadata;
      const tests = [
        { op: "test", path: "/metadata/uid", value: uid },
        { op: "test", path: "/metadata/resourceVersion", value: resourceVersion },
      ] as const;
      try {
        return await this.#api.patch(key, [...tests, ...operations], { signal });
      } catch (error) {
        if (!isStale(error)) throw error;
        last = error;
      }
    }
    const got = `it changed ${ATTEMPTS} times while the patch was made (${messageOf(last)})`;
    throw new BelayError("ENGINE_ERROR", { doing: `changing ${titleOf(key)}`, got, cause: last });
  }

  async #create(was: KubernetesObject, marks: Marks, signal: AbortSignal): Promise<KubernetesObject> {
    const bare = bareObject(was);
    const { labels, annotations } = bare.metadata;
    const metadata = {
      ...bare.metadata,
      labels: { ...labels, ...marks.labels },
      annotations: { ...annotations, ...marks.annotations },
    };
    return this.#api.create({ ...bare, metadata }, { signal });
  }
}

/** A test did not hold, which the API server tells as 422 without causes, or a write came in between (409). */
function isStale(error: unknown): boolean {
  return isStatus(error, 409) || (isStatus(error, 422) && (error.details.causes ?? []).length === 0);
}

function imageOperations(
  kind: string,
  template: PodTemplate,
  images: Readonly<Record<string, string>>,
): PatchOperation[] {
  const at = (list: "containers" | "initContainers") =>
    (template.spec[list] ?? []).flatMap(({ name, image }, index): PatchOperation[] => {
      const wanted = images[name];
      if (wanted === undefined || wanted === image) return [];
      const path = `${templatePath(kind)}/spec/${list}/${index}/image`;
      return [
        { op: "test", path: path.replace(/image$/, "name"), value: name },
        { op: "test", path, value: image },
        { op: "replace", path, value: wanted },
      ];
    });
  return [...at("initContainers"), ...at("containers")];
}

function containerAt(template: PodTemplate, path: string): PodContainer | undefined {
  const [, list, index] = /\/(initContainers|containers)\/(\d+)\/image$/.exec(path) ?? [];
  if (list === undefined) return undefined;
  return template.spec[list as "containers" | "initContainers"]?.[Number(index)];
}

function templateOperations(was: KubernetesObject, live: KubernetesObject): PatchOperation[] {
  const [old, now] = [templateOf(was), templateOf(live)];
  if (old === undefined || JSON.stringify(old) === JSON.stringify(now)) return [];
  return [{ op: "replace", path: templatePath(live.kind), value: old }];
}

function findingOf(error: unknown, desired: DesiredObject): Finding {
  if (!(error instanceof ApiError) || error.code === "ENGINE_UNREACHABLE") throw error;
  const service = desired.service === undefined ? {} : { service: desired.service };
  const title = titleOf(desired);
  const immutable = (error.details.causes ?? []).some(({ message }) => /immutable/.test(message ?? ""));
  if (immutable) {
    const message = `the pod template of ${title} can't be changed: ${error.apiMessage}`;
    const remedy = "Deploy it from manifests (`target.files`): then each release gets an object of its own.";
    return { level: "refuse", check: "immutable_field", ...service, message, remedy };
  }
  if (error.code === "ENGINE_FORBIDDEN") {
    const message = `the dry run of the change of ${title} is forbidden: ${error.apiMessage}`;
    return { level: "refuse", check: "permission_missing", ...service, message, remedy: "Allow `patch` on it." };
  }
  const message = `the API server refuses the change of ${title}: ${error.apiMessage}`;
  return { level: "refuse", check: "change_refused", ...service, message };
}

function isSameTemplate(one: KubernetesObject, other: KubernetesObject): boolean {
  const [before, now] = [templateOf(one), templateOf(other)];
  return before === undefined || now === undefined || revisionOf(before) === revisionOf(now);
}

function changedMeanwhile(key: ObjectKey): BelayError {
  return new BelayError("ENGINE_ERROR", {
    doing: `changing ${titleOf(key)}`,
    got: "its pod template was changed by somebody else in the same moment",
    next: "Deploy again: a new plan takes what is there now into account.",
  });
}

function gone(key: ObjectKey): BelayError {
  return new BelayError("ENGINE_ERROR", {
    doing: `changing ${titleOf(key)}`,
    got: "it does not exist any more",
    next: "Somebody removed it while it was being deployed.",
  });
}
