import { dirname, join } from "node:path";
import { ensureTools } from "../rig/ensure-tools.ts";
import { writeTrivyDatabase } from "./trivy-database.ts";

/** A Trivy and a small true database of today, for programs that look for them in the usual places. */
export interface TrivyAtHand {
  /** Folder of the program, for the PATH. */
  readonly path: string;
  readonly env: { readonly TRIVY_CACHE_DIR: string };
}

/** `folder`: where the database goes. Trivy is built first where there is none, which takes minutes. */
export async function trivyAtHand(folder: string): Promise<TrivyAtHand> {
  const { trivy } = await ensureTools(["trivy", "boltWriter"]);
  const cache = join(folder, "trivy-cache");
  await writeTrivyDatabase(join(cache, "db"));
  return { path: dirname(trivy), env: { TRIVY_CACHE_DIR: cache } };
}
