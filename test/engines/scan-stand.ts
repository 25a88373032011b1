import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createRunner, Redactor, systemClock } from "@belay/core";
import {
  applyGate,
  DatabaseStore,
  type DatabaseStoreOptions,
  DEFAULT_POLICY,
  type GateInput,
  type GatePolicy,
  type ImageScan,
  type ScanImageOptions,
  type ScanSubject,
  scanImage,
  Trivy,
} from "@belay/scan";
import {
  createTestLog,
  ensureTools,
  type ImageFiles,
  type ImageLayout,
  makeImageLayout,
  type RegistryRig,
  startRegistry,
  temporaryFolder,
  writeTrivyDatabase,
} from "@belay/testkit";

export const DAY_MS = 86_400_000;

/** Trivy may have to be built first, and others may have the processors meanwhile. */
export const STAND_MS = 45 * 60_000;

/** What the database knows about `SCAN_FILES.oldLodash`. */
export const LODASH = ["CVE-2019-10744", "CVE-2021-23337"] as const;

export interface ScanStand extends AsyncDisposable {
  readonly trivy: Trivy;
  /** For everything that a test writes. */
  readonly folder: string;
  readonly registry: RegistryRig;
  /** Another Trivy of this machine. */
  open(options: { command?: string; env?: Readonly<Record<string, string>> }): Promise<Trivy>;
  /** The stand's database, never updated, unless told otherwise. */
  store(more?: Partial<DatabaseStoreOptions>): DatabaseStore;
  /** A name that nobody has had yet. */
  fresh(prefix: string): string;
  image(platforms: Readonly<Record<string, readonly ImageFiles[]>>): Promise<ImageLayout>;
  scan(subject: ScanSubject, more?: Partial<ScanImageOptions>): Promise<ImageScan>;
  /** Makes an image for linux/amd64 of these layers, and scans it as a layout. */
  scanFiles(...layers: readonly ImageFiles[]): Promise<ImageScan>;
}

/** A Trivy, a small true database of today, and a registry. */
export async function startScanStand(): Promise<ScanStand> {
  const { trivy: program } = await ensureTools(["trivy", "boltWriter"]);
  const redactor = new Redactor();
  const runner = createRunner(redactor);
  const log = createTestLog(redactor);
  const place = await temporaryFolder("belay-scan-test");
  const folder = place.path;
  // Nothing of the user's own is at hand: no login to any registry.
  const env = { DOCKER_CONFIG: join(folder, "docker") };
  await mkdir(env.DOCKER_CONFIG);
  const open: ScanStand["open"] = (more) => Trivy.open({ runner, redactor, command: program, env, ...more });
  const trivy = await open({});
  const cache = join(folder, "cache");
  await writeTrivyDatabase(join(cache, "db"));
  const registry = await startRegistry();
  let made = 0;
  const fresh = (prefix: string): string => `${prefix}-${made++}`;
  const store: ScanStand["store"] = (more) =>
    new DatabaseStore({ trivy, cache, update: false, maxAgeMs: 7 * DAY_MS, clock: systemClock, log, ...more });
  const image: ScanStand["image"] = (platforms) => makeImageLayout(join(folder, fresh("image")), platforms);
  const scan: ScanStand["scan"] = (subject, more) =>
    scanImage({ trivy, subject, knowledge: { store: store() }, timeoutMs: 120_000, log, ...more });
  return {
    trivy,
    folder,
    registry,
    open,
    store,
    fresh,
    image,
    scan,
    scanFiles: async (...layers) => scan({ kind: "layout", path: (await image({ "linux/amd64": layers })).path }),
    [Symbol.asyncDispose]: async () => {
      await registry.stop();
      await place.remove();
    },
  };
}

/** What the gate makes of a scan; `seen`: `CVE-… fails`, the worst first. */
export function gate({ scans, obstacles }: ImageScan, policy: Partial<GatePolicy> = {}, more: Partial<GateInput> = {}) {
  const reports = scans.map((one) => one.report);
  const result = applyGate({ policy: { ...DEFAULT_POLICY, ...policy }, reports, obstacles, now: new Date(), ...more });
  return { ...result, seen: result.decisions.map((one) => `${one.finding.id} ${one.effect}`) };
}
