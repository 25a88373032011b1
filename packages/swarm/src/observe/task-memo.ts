import { type Digest, type Instance, sha256 } from "@belay/core";
import type { KeptTasks, Task, TaskSpec } from "@belay/docker";
import type { NetworkNames } from "../spec/normal-spec.ts";
import { taskRevision } from "./task-revision.ts";
import { type TaskKnowledge, translateTask } from "./translate-task.ts";

interface Entry {
  readonly version: number;
  readonly networks: NetworkNames;
  readonly revision: string;
  known?: TaskKnowledge;
  instance?: Instance;
}

interface KnownSpec {
  readonly spec: TaskSpec;
  revision?: string;
}

/**
 * What was made of each task when it changed last. The manager lists all tasks at each look, and most are as they were,
 * which their version tells (`Version.Index`: swarmkit counts it up with each change of the object).
 */
export class TaskMemo implements KeptTasks {
  readonly #entries = new Map<string, Entry>();
  readonly #tasks = new Map<string, Task>();
  /** Specs by their text: tasks of one revision are many, and a text is compared much faster than a spec is normalised. */
  #specs = new Map<Digest, KnownSpec>();
  /** The same by the spec that the kept tasks have of them. */
  #kept = new WeakMap<TaskSpec, KnownSpec>();
  #networks: NetworkNames | undefined;

  /** A task as it was listed last. */
  task(id: string): Task | undefined {
    return this.#tasks.get(id);
  }

  find(id: string, version: number): Task | undefined {
    const task = this.task(id);
    return task?.Version.Index === version ? task : undefined;
  }

  /** Only what Belay looks at; tasks of one spec share it. */
  keep(task: Task): Task {
    const { ID, Version, CreatedAt, UpdatedAt, ServiceID, Slot, NodeID, Status, DesiredState, JobIteration } = task;
    const kept = {
      ...{ ID, Version, CreatedAt, UpdatedAt, ServiceID, Status, DesiredState, Spec: this.#known(task.Spec).spec },
      ...(Slot === undefined ? {} : { Slot }),
      ...(NodeID === undefined ? {} : { NodeID }),
      ...(JobIteration == null ? {} : { JobIteration }),
    };
    this.#tasks.set(ID, kept);
    return kept;
  }

  /** {@link taskRevision} of the task's spec. */
  revisionOf(task: Task, networks: NetworkNames): string {
    return this.#entryOf(task, networks).revision;
  }

  /** {@link translateTask}: the same object while neither the task nor what is known of it has changed. */
  instanceOf(task: Task, known: TaskKnowledge, networks: NetworkNames): Instance {
    const entry = this.#entryOf(task, networks);
    if (entry.instance === undefined || entry.known === undefined || !isSameKnowledge(entry.known, known)) {
      entry.instance = translateTask(task, known);
      entry.known = known;
    }
    return entry.instance;
  }

  /** Forgets tasks that are listed no more, once they are many. `listed`: the ids of those that are. */
  tidy(listed: ReadonlySet<string>): void {
    for (const kept of [this.#entries, this.#tasks]) {
      if (kept.size <= 2 * listed.size) continue;
      for (const id of kept.keys()) if (!listed.has(id)) kept.delete(id);
    }
  }

  #entryOf({ ID, Version, Spec }: Task, networks: NetworkNames): Entry {
    const found = this.#entries.get(ID);
    if (found?.version === Version.Index && found.networks === networks) return found;
    const entry = { version: Version.Index, networks, revision: this.#hash(Spec, networks) };
    this.#entries.set(ID, entry);
    return entry;
  }

  #hash(spec: TaskSpec, networks: NetworkNames): string {
    if (this.#networks !== networks) {
      this.#specs = new Map();
      this.#kept = new WeakMap();
    }
    this.#networks = networks;
    const known = this.#known(spec);
    known.revision ??= taskRevision(spec, networks);
    return known.revision;
  }

  #known(spec: TaskSpec): KnownSpec {
    const kept = this.#kept.get(spec);
    if (kept !== undefined) return kept;
    const text = sha256(JSON.stringify(spec));
    const known = this.#specs.get(text) ?? { spec };
    this.#specs.set(text, known);
    this.#kept.set(known.spec, known);
    return known;
  }
}

function isSameKnowledge(one: TaskKnowledge, other: TaskKnowledge): boolean {
  return (
    one.revision === other.revision &&
    one.title === other.title &&
    one.goal === other.goal &&
    one.newest === other.newest &&
    one.leaving === other.leaving &&
    one.local === other.local &&
    one.oom === other.oom &&
    one.excused === other.excused
  );
}
