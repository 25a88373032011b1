import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasCode } from "./has-code.ts";
import { run } from "./run.ts";
import { sweepEngine } from "./sweep-engine.ts";
import { tryLock } from "./with-lock.ts";

/** A place for one engine on this machine: a folder, a bridge and addresses that no other one has. */
export interface EngineSlot {
  readonly folder: string;
  readonly bridge: string;
  /** `10.220.0.0/16`: all addresses of the engine's networks. */
  readonly range: string;
  readonly bridgeAddress: string;
  /** For the engine's own choice of networks. */
  readonly pool: string;
}

const SLOTS = 16;
const FIRST_NET = 220;

function slotOf(index: number): EngineSlot {
  const net = `10.${FIRST_NET + index}`;
  return {
    // Short: the path of a unix socket has 107 bytes at most.
    folder: join(tmpdir(), "belay-rigs", `engine-${index}`),
    bridge: `belay${index}`,
    range: `${net}.0.0/16`,
    bridgeAddress: `${net}.0.1/24`,
    pool: `${net}.128.0/17`,
  };
}

/**
 * Claims a free slot. A slot whose owner was killed is swept first, so that nothing of it is left on the machine.
 * Slots whose addresses the machine itself uses are left out.
 */
export async function claimSlot(): Promise<EngineSlot> {
  const { stdout: routes } = await run("ip", ["-4", "route", "show"]);
  for (let index = 0; index < SLOTS; index++) {
    const slot = slotOf(index);
    await mkdir(join(slot.folder, ".."), { recursive: true });
    // The second attempt is for a stale lock, which the first one takes away.
    if (!(await tryLock(lockOf(slot))) && !(await tryLock(lockOf(slot)))) continue;
    await sweepEngine(slot);
    const foreign = routes.split("\n").some((line) => routeIsForeign(line, slot));
    if (!foreign && (await made(slot.folder))) return slot;
  }
  throw new Error(`all ${SLOTS} places for test engines are taken: end other test runs, or look into ${tmpdir()}`);
}

/** The lock stands beside the folder, because a sweep removes the folder. */
export function lockOf(slot: EngineSlot): string {
  return `${slot.folder}.lock`;
}

function routeIsForeign(route: string, slot: EngineSlot): boolean {
  return (
    route.startsWith(slot.range.replace(/\d+\.\d+\/16$/, "")) &&
    !route.includes(`dev ${slot.bridge} `) &&
    !route.includes(" br-")
  );
}

async function made(folder: string): Promise<boolean> {
  try {
    await mkdir(folder);
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  }
}
