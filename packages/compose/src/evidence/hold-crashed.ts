import { type ContainerState, type Instance, messageOf, type Observation, scopeHash } from "@belay/core";
import type { ComposeContainer } from "../containers/compose-container.ts";
import { tellToEnd } from "../containers/container-changes.ts";
import { comesBack, hasEnded } from "../containers/listed-container.ts";
import type { TargetState } from "../target-state.ts";

/** One fewer than the client has connections for what may wait: whatever a kill waits for, a removal finds one. */
const AT_ONCE = 3;
/** Events tell of ends; should one be lost, it is looked after so long. */
const LOOK_MS = 2_000;

/**
 * Has the engine not start again what has crashed of this run's deployment, and what crashes from now on, until the signal. A
 * kill cancels the restart that a container waits for: there is no process that could get a signal, no event tells of it, and
 * log, exit code and OOM flag stay as they are (moby, `killWithSignal`; seen on 20.10 and 29). An engine that was faster has its
 * new attempt killed, as a removal would. An engine that needs longer to clean up than it waits starts all of them again, so
 * other copies of what has crashed are told to end before they crash, too ({@link othersOf}). Once an old container was told to
 * end, what crashes may be all that serves until that is back, and is left alone. Fails only with the signal, after which it
 * sends nothing more.
 */
export async function holdCrashed(state: TargetState, { services }: Observation, signal: AbortSignal): Promise<void> {
  if (!state.servesAsBefore) return;
  const own = ownOnes(state, services);
  const [seen, others] = [new Set(own.flatMap(waitingOnes)), othersOf(own)];
  const begun = new Set<string>();
  const underWay = new Set<Promise<unknown>>();
  for (;;) {
    signal.throwIfAborted();
    const rest = own.flat().filter(({ id }) => !begun.has(id));
    const known = rest.flatMap(({ id }) => state.watch.known(id) ?? []);
    const waiting = known.filter((one) => seen.has(one.id) || waitsByNow(state, one));
    const told = known.filter((one) => others.has(one.id) && !waiting.includes(one));
    for (const container of [...waiting, ...told].slice(0, AT_ONCE - underWay.size)) {
      begun.add(container.id);
      // If it does end once more, that is neither news nor its last words.
      state.leaving.add(container.id);
      const sent = told.includes(container) ? tellToEnd(state, container) : hold(state, container);
      const work = sent.finally(() => underWay.delete(work));
      underWay.add(work);
    }
    await Promise.race([state.watch.changed(signal, LOOK_MS), ...underWay]);
  }
}

/** By service, the instances that this run's own deployment has made. */
function ownOnes({ watch, options, carriedOut }: TargetState, services: Observation["services"]): Instance[][] {
  const own = scopeHash(options.scope);
  return services.map(({ instances }) =>
    instances.filter(({ id }) => {
      const container = watch.known(id);
      return container?.scope === own && container.deployment === carriedOut;
    }),
  );
}

function waitingOnes(instances: readonly Instance[]): string[] {
  return instances.flatMap(({ id, containers }) => (containers.some(isIn("restarting")) ? [id] : []));
}

/**
 * Of the one service of which any new copy has crashed, those that run and have not. The evidence is of those that have, so
 * nothing of it is lost; they would be told to end as soon as it is there. Where copies of another service run as well, what
 * depends on others has to go first, and all wait for the way back.
 */
function othersOf(own: readonly (readonly Instance[])[]): ReadonlySet<string> {
  const running = own.filter((instances) => instances.some(({ containers }) => containers.some(isIn("running"))));
  const [only = [], ...more] = running;
  const hasCrashed = ({ containers }: Instance): boolean => containers.some(({ lastExit }) => lastExit !== undefined);
  if (more.length > 0 || !only.some(hasCrashed)) return new Set();
  const others = only.filter((one) => one.containers.some(isIn("running")) && !hasCrashed(one));
  return new Set(others.map(({ id }) => id));
}

function isIn(state: ContainerState["state"]): (container: ContainerState) => boolean {
  return (container) => container.state === state;
}

/** By what events tell: nobody has ended it, and its policy has the engine start it again. */
function waitsByNow({ watch }: TargetState, { id, inspect }: ComposeContainer): boolean {
  const note = watch.noteOf(id);
  if (note.killed !== undefined || !hasEnded(note, inspect.State)) return false;
  return comesBack(inspect.HostConfig.RestartPolicy?.Name, note.died);
}

/** What it does not reach is removed as it is, and an engine that can't be asked fails that, too. */
async function hold({ docker, options: { log } }: TargetState, { id, name }: ComposeContainer): Promise<void> {
  try {
    await docker.containers.kill(id, "SIGKILL");
    log.debug(`${name} is not started again`);
  } catch (error) {
    log.debug(`${name} could not be kept from being started again: ${messageOf(error)}`);
  }
}
