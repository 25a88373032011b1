import { defaultEdition } from "@belay/testkit";

/** What the table calls a stand on the Docker engine of this run: the current one has sections of its own. */
export function titled(stand: string): string {
  return defaultEdition() === "current" ? `${stand}, current engine` : stand;
}
