import { readdirSync, readFileSync } from "node:fs";

/** One process: its number may be another's later, its number and the time of its start not. */
interface Member {
  readonly pid: number;
  readonly parent: number;
  /** Ticks since the machine's start. */
  readonly startedAt: string;
}

/**
 * What a process started, and what that started, as long as it can be told: once a process has ended, nothing leads from
 * its children to it. Read from Linux's /proc; elsewhere nobody is found.
 */
export class ProcessFamily {
  readonly #members = new Map<number, Member>();

  /** Looks at once, and so has to be called before the process is ended. */
  constructor(pid: number) {
    this.#look([pid]);
    this.#members.delete(pid);
  }

  /** Sends it to all that are still there, and to what they have started since. */
  kill(signal: NodeJS.Signals): void {
    const now = this.#look([...this.#members.keys()]);
    for (const [pid, { startedAt }] of this.#members) {
      if (now.get(pid)?.startedAt === startedAt) send(pid, signal);
    }
  }

  #look(roots: readonly number[]): ReadonlyMap<number, Member> {
    const all = new Map(processes().map((one) => [one.pid, one]));
    const open = roots.filter((pid) => {
      const known = this.#members.get(pid);
      return known === undefined || known.startedAt === all.get(pid)?.startedAt;
    });
    for (const parent of open) {
      for (const one of all.values()) {
        if (one.parent !== parent || this.#members.has(one.pid)) continue;
        this.#members.set(one.pid, one);
        open.push(one.pid);
      }
    }
    return all;
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

function processes(): Member[] {
  const names = process.platform === "linux" ? readdirSync("/proc").filter((name) => /^\d+$/.test(name)) : [];
  return names.flatMap((name) => {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      // proc(5): the program's name, in brackets, may hold anything; the parent is field 4, the time of the start 22.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return [{ pid: Number(name), parent: Number(fields[1]), startedAt: fields[19] ?? "" }];
    } catch {
      return [];
    }
  });
}
