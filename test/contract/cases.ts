/** Every case of the contract, in the order of the table. Their content is in `scenarios.ts` and beside it. */
export const CASES = [
  "good",
  "crash at start",
  "out of memory",
  "unhealthy",
  "unhealthy, told with its evidence",
  "unhealthy after 6 s",
  "slow start within its start period",
  "flapping",
  "missing image",
  "no way back",
  "wrong command",
  "missing config",
  "config lost in the middle",
  "unschedulable",
  "quota",
  "quota that a terminating pod still holds",
  "quota that a terminating pod still holds, bad",
  "no healthcheck",
  "healthcheck added",
  "healthcheck removed",
  "only the environment changes",
  "nothing changes",
  "nothing changes, but it falls ill",
  "first deployment, good",
  "first deployment, bad, kept",
  "first deployment, bad, removed",
  "scaled by hand since",
  "service deleted by hand",
  "updated by hand since",
  "no replicas",
  "ignores SIGTERM",
  "exits 0 at once",
  "one-shot that completes",
  "one-shot that fails",
  "rolled back by hand, three releases deep",
  "rolled back by hand to a service that was removed since",
  "two services, the second fails",
  "two services at once, a third that waits",
  "one of three services removed",
  "one of three services removed, another fails",
  "cancelled in the middle",
  "rollback that fails",
  "older release",
  "two runners at once",
  "superseded by policy",
  "rolled back by hand meanwhile",
  "paused past its life and woken",
  "killed before a step, then the next deployment",
  "killed before a step, then reconcile",
] as const;

export type CaseName = (typeof CASES)[number];

/** Those that are tried of services that can't run twice, too. */
export const ALONE_CASES = [
  "good",
  "crash at start",
  "unhealthy",
  "cancelled in the middle",
] as const satisfies readonly CaseName[];

/**
 * What breaks around a deployment (`test/faults`). "Engine" is whom Belay talks to: dockerd, the swarm's manager, the API
 * server.
 */
export const FAULTS = [
  "engine restarted",
  "engine killed and started",
  "engine gone for longer than a run waits",
  "engine's store away for a while",
  "node's agent away for a while",
  "node's agent gone for longer than a run waits",
  "node drained and back",
  "registry down before the pull",
  "registry down in the middle of the pull",
  "registry silent during the pull",
  "disk full",
  "frozen release",
  "ledger removed",
  "connections cut once",
  "network silent for 4 s",
  "network silent to the end",
  "network cut to the end",
  "network with a delay of 100 ms",
] as const;

export type FaultName = (typeof FAULTS)[number];

/** All lines that a table can have. */
export const ROWS = [...CASES, ...FAULTS] as const;
export type RowName = (typeof ROWS)[number];
