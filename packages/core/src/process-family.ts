import type { ChildProcess } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** One process: its number may be another's later, its number and the time of its start not. */
interface Member {
  readonly pid: number;
  readonly parent: number;
  /** Ticks since the machine's start. */
  readonly startedAt: string;
}

/**
 * A process, what it started, and what that started, as long as it can be told: once a process has ended, nothing leads from
 * it to its children. Read from Linux's /proc; where there is none only the process itself is known.
 */
export class ProcessFamily {
  readonly #root: ChildProcess;
  readonly #proc: string;
  /** With the root: what it starts later is found by it. */
  readonly #members = new Map<number, Member>();

  /**
   * Looks at once, and so has to be called before the process is ended.
   * @param proc where Linux tells of its processes
   */
  constructor(root: ChildProcess, proc = "/proc") {
    this.#root = root;
    this.#proc = proc;
    const runs = root.exitCode === null && root.signalCode === null;
    const own = runs ? processes(proc).find(({ pid }) => pid === root.pid) : undefined;
    if (own === undefined) return;
    this.#members.set(own.pid, own);
    this.#look();
  }

  /** Sends it to all that are still there, and to what they have started since. */
  kill(signal: NodeJS.Signals): void {
    // Before the root ends, since nothing leads to its children then.
    let now = this.#look();
    if (signal === "SIGKILL" && this.#members.size > 0) {
      // What was started since the look would be left alone.
      this.#send("SIGSTOP", now);
      // What was just stopped can't end by itself, also where the second look shows nothing of it.
      now = new Map([...now, ...this.#look()]);
    }
    this.#send(signal, now);
  }

  #send(signal: NodeJS.Signals, now: ReadonlyMap<number, Member>): void {
    // Node knows whether it has ended, so that its number can't be another's.
    this.#root.kill(signal);
    for (const [pid, { startedAt }] of this.#members) {
      if (pid !== this.#root.pid && now.get(pid)?.startedAt === startedAt) send(pid, signal);
    }
  }

  #look(): ReadonlyMap<number, Member> {
    const all = new Map(processes(this.#proc).map((one) => [one.pid, one]));
    const open = [...this.#members.values()]
      .filter(({ pid, startedAt }) => all.get(pid)?.startedAt === startedAt)
      .map(({ pid }) => pid);
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

function processes(proc: string): Member[] {
  return numbersIn(proc).flatMap((name) => {
    try {
      const stat = readFileSync(`${proc}/${name}/stat`, "utf8");
      // proc(5): the program's name, in brackets, may hold anything; the parent is field 4, the time of the start 22.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return [{ pid: Number(name), parent: Number(fields[1]), startedAt: fields[19] ?? "" }];
    } catch {
      return [];
    }
  });
}

function numbersIn(proc: string): string[] {
  try {
    return readdirSync(proc).filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}
