import { type Digest, type Instance, sha256 } from "@belay/core";
import type { Task, TaskSpec } from "@belay/docker";
import type { NetworkNames } from "./normal-spec.ts";
import { taskRevision } from "./task-revision.ts";
import { type TaskKnowledge, translateTask } from "./translate-task.ts";

interface Entry {
  readonly version: number;
  readonly networks: NetworkNames;
  readonly revision: string;
  known?: TaskKnowledge;
  instance?: Instance;
}

/**
 * What was made of each task when it changed last. The manager lists all tasks at each look, and most are as they were,
 * which their version tells (`Version.Index`: swarmkit counts it up with each change of the object).
 */
export class TaskMemo {
  readonly #entries = new Map<string, Entry>();
  /** Revisions by the text of a spec: tasks of one revision are many, and a spec is written much faster than normalised. */
  #revisions = new Map<Digest, string>();
  #networks: NetworkNames | undefined;

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

  /** Forgets tasks that are listed no more, once they are many. */
  tidy(tasks: readonly Task[]): void {
    if (this.#entries.size <= 2 * tasks.length) return;
    const listed = new Set(tasks.map(({ ID }) => ID));
    for (const id of this.#entries.keys()) if (!listed.has(id)) this.#entries.delete(id);
  }

  #entryOf({ ID, Version, Spec }: Task, networks: NetworkNames): Entry {
    const found = this.#entries.get(ID);
    if (found !== undefined && found.version === Version.Index && found.networks === networks) return found;
    const entry = { version: Version.Index, networks, revision: this.#hash(Spec, networks) };
    this.#entries.set(ID, entry);
    return entry;
  }

  #hash(spec: TaskSpec, networks: NetworkNames): string {
    if (this.#networks !== networks) this.#revisions = new Map();
    this.#networks = networks;
    const text = sha256(JSON.stringify(spec));
    const revision = this.#revisions.get(text) ?? taskRevision(spec, networks);
    this.#revisions.set(text, revision);
    return revision;
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
    one.oom === other.oom
  );
}
