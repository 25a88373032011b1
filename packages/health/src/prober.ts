import {
  BelayError,
  type Clock,
  type Instance,
  type Log,
  messageOf,
  type Observation,
  oneLine,
  type Probe,
  type Prober,
} from "@belay/core";
import { probe as askOnce, type Exec, type ProbeResult, titleOf } from "./probe.ts";
import { Question } from "./question.ts";
import { Slots } from "./slots.ts";
import { TIMED_OUT, withTimeout } from "./with-timeout.ts";

/** Questions in flight at a time, over all probes and instances. */
const MOST_AT_ONCE = 16;

export interface ProberOptions {
  readonly probes: readonly Probe[];
  readonly clock: Clock;
  /** Ends all questions, as `close` does. */
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Address at which this machine reaches an instance; `undefined` while it has none. */
  readonly addressOf: (instanceId: string) => Promise<string | undefined>;
  /** Runs a command inside an instance; needed for probes of kind `command`. */
  readonly exec?: (instanceId: string, ...rest: Parameters<Exec>) => ReturnType<Exec>;
  /** Whether this machine is the engine's host, so that it reaches the instances' own networks. */
  readonly engineIsLocal: boolean;
}

/**
 * Begins to ask: probes from the runner and the target at once, probes of instances as `follow` shows them (each one
 * that is `current`, of the wanted revision, and has not ended). Every instance that is asked has a reading from then
 * on, `waiting` until its first success.
 * @throws BelayError INVALID_INPUT for a probe that can't be asked from here.
 */
export function createProber(options: ProberOptions): Prober {
  for (const probe of options.probes) refuseImpossible(probe, options);
  return new RunningProber(options);
}

function refuseImpossible(probe: Probe, { engineIsLocal, exec }: ProberOptions): void {
  const { check, from, service } = probe;
  const refuse = (got: string, next: string): never => {
    throw new BelayError("INVALID_INPUT", { doing: `preparing the probe ${titleOf(check)} of ${service}`, got, next });
  };
  if (check.kind === "command") {
    if (from !== "instance") refuse(`a command can't be run from the ${from}`, "Use `from: instance`.");
    if (exec === undefined) refuse("this target can't run commands in instances", "Use an http or tcp probe.");
    return;
  }
  if (from === "runner" || engineIsLocal) return;
  const next =
    "Use a `command` probe, which runs inside each instance (such as wget or curl), or `from: runner` with an address that this machine reaches.";
  const what =
    from === "target" ? "the engine's host can't ask by itself" : "the instances' addresses can't be reached from here";
  refuse(`\`from: ${from}\` needs Belay to run on the engine's host; this engine is remote and ${what}`, next);
}

class RunningProber implements Prober {
  readonly #options: ProberOptions;
  readonly #slots = new Slots(MOST_AT_ONCE);
  readonly #titles: readonly string[];
  readonly #questions = new Map<string, Question>();
  /** Who answers for a service as a whole, as the last observation showed it. */
  readonly #answering = new Map<string, string>();
  readonly #ending = new Set<Promise<void>>();
  readonly #listeners = new Set<() => void>();
  readonly #onAbort = (): void => void this.close();
  #closed = false;
  /** Whether a state changed since the readings were last taken: such a change must not be slept over. */
  #fresh = false;

  constructor(options: ProberOptions) {
    this.#options = options;
    this.#titles = differentTitles(options.probes);
    options.signal.addEventListener("abort", this.#onAbort, { once: true });
    this.#closed = options.signal.aborted;
    for (const [index, probe] of options.probes.entries()) {
      if (probe.from !== "instance") this.#begin(index, probe);
    }
  }

  follow(observation: Observation): void {
    const wanted = new Set<string>();
    for (const [index, probe] of this.#options.probes.entries()) {
      if (probe.from !== "instance") {
        wanted.add(keyOf(index));
        this.#renewIfOthersAnswer(keyOf(index), answering(probe, observation));
      } else {
        for (const instance of wantedInstances(probe, observation)) {
          wanted.add(keyOf(index, instance));
          this.#begin(index, probe, instance);
        }
      }
    }
    for (const key of this.#questions.keys()) {
      if (!wanted.has(key)) this.#end(key);
    }
  }

  #renewIfOthersAnswer(key: string, now: string): void {
    const before = this.#answering.get(key);
    this.#answering.set(key, now);
    if (before !== undefined && before !== now) this.#questions.get(key)?.renew();
  }

  readings(): Observation["probes"] {
    this.#fresh = false;
    return [...this.#questions.values()].map((question) => question.reading());
  }

  async changed(signal: AbortSignal): Promise<void> {
    if (this.#fresh || this.#closed || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    this.#listeners.add(wake);
    signal.addEventListener("abort", wake, { once: true });
    await promise;
    signal.removeEventListener("abort", wake);
    this.#listeners.delete(wake);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#options.signal.removeEventListener("abort", this.#onAbort);
    for (const key of [...this.#questions.keys()]) this.#end(key);
    this.#wake();
    await Promise.all(this.#ending);
  }

  #begin(index: number, probe: Probe, instance?: Instance): void {
    const key = keyOf(index, instance);
    if (this.#closed || this.#questions.has(key)) return;
    const { clock, log } = this.#options;
    const onChange = (): void => {
      this.#fresh = true;
      this.#wake();
    };
    const ask = (signal: AbortSignal): Promise<ProbeResult> => this.#ask(probe, instance?.id, signal);
    const asked = instance === undefined ? {} : { instance: { id: instance.id, title: instance.title } };
    const title = this.#titles[index] ?? titleOf(probe.check);
    this.#questions.set(key, new Question({ probe, title, ...asked, clock, log, slots: this.#slots, ask, onChange }));
  }

  #end(key: string): void {
    const ended = this.#questions.get(key)?.stop();
    this.#questions.delete(key);
    if (ended === undefined) return;
    this.#ending.add(ended);
    void ended.finally(() => this.#ending.delete(ended));
  }

  async #ask(probe: Probe, instance: string | undefined, signal: AbortSignal): Promise<ProbeResult> {
    const { clock, addressOf, exec } = this.#options;
    const { timeoutMs, check } = probe;
    const context = { clock, timeoutMs, signal };
    if (instance === undefined) return await askOnce(check, context);
    if (check.kind === "command") {
      const run: Exec = (...rest) => exec?.(instance, ...rest) ?? Promise.reject(new TypeError("no exec"));
      return await askOnce(check, { ...context, exec: run });
    }
    let address: string | typeof TIMED_OUT | undefined;
    try {
      address = await withTimeout(context, () => addressOf(instance));
    } catch (error) {
      signal.throwIfAborted();
      return { ok: false, detail: oneLine(`its address could not be read: ${messageOf(error)}`, 300) };
    }
    if (address === TIMED_OUT) return { ok: false, detail: `its address was not known within ${timeoutMs} ms` };
    if (address === undefined) return { ok: false, detail: "it has no address" };
    return await askOnce(check, { ...context, address });
  }

  #wake(): void {
    for (const listener of this.#listeners) listener();
  }
}

function keyOf(index: number, instance?: Instance): string {
  return `${index} ${instance?.id ?? ""}`;
}

/** Readings are told apart by their titles: of two probes that ask the same, the second one gets a number. */
function differentTitles(probes: readonly Probe[]): readonly string[] {
  const seen = new Map<string, number>();
  return probes.map(({ check, service }) => {
    const title = titleOf(check);
    const key = JSON.stringify([service, title]);
    const count = (seen.get(key) ?? 0) + 1;
    seen.set(key, count);
    return count === 1 ? title : `${title} (${count})`;
  });
}

/**
 * Who may answer for the service, in any order. One that is not ready yet, or drains, may or may not: that this has changed
 * says as much as that others have come.
 */
function answering({ service }: Probe, { services }: Observation): string {
  const found = services.find(({ name }) => name === service);
  const alive = (found?.instances ?? []).filter(({ phase, endedBy }) => phase !== "history" && endedBy === undefined);
  return JSON.stringify(alive.map(({ id, phase, ready }) => `${id} ${phase} ${ready}`).sort());
}

function wantedInstances(probe: Probe, { services }: Observation): readonly Instance[] {
  const service = services.find(({ name }) => name === probe.service);
  if (service === undefined || service.goal !== "run") return [];
  const { wantedRevision, instances } = service;
  return instances.filter(
    ({ phase, revision, endedBy }) => phase === "current" && revision === wantedRevision && endedBy === undefined,
  );
}
