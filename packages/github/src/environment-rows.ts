import type { Api } from "./client.ts";
import { type DeploymentEntry, listAllDeployments, listStatuses, type StatusEntry } from "./deployment-api.ts";
import { readDescription, shortName } from "./deployment-facts.ts";
import type { EnvironmentRow } from "./github.ts";
import { optional } from "./json-path.ts";

/** Most environments whose statuses are asked for. */
const MOST_ENVIRONMENTS = 20;

/** The newest GitHub deployment of the application per environment, with what Belay said of it. */
export async function environmentRows(api: Api, application: string): Promise<EnvironmentRow[]> {
  const all = await listAllDeployments(api);
  const names = [...new Set(all.map((entry) => entry.environment))].slice(0, MOST_ENVIRONMENTS);
  const rows: EnvironmentRow[] = [];
  for (const name of names) {
    const row = await rowOf(
      api,
      application,
      all.filter((entry) => entry.environment === name),
    );
    if (row !== undefined) rows.push(row);
  }
  return rows;
}

async function rowOf(
  api: Api,
  application: string,
  entries: readonly DeploymentEntry[],
): Promise<EnvironmentRow | undefined> {
  const own = entries.findIndex((entry) => entry.payload?.application === application);
  // A job's own GitHub deployment, which Belay adopted, has no payload: only the newest such one is looked at.
  const bare = entries.findIndex((entry) => entry.payload === undefined);
  const order = [bare >= 0 && (own < 0 || bare < own) ? entries[bare] : undefined, entries[own]];
  for (const entry of order) {
    if (entry === undefined) continue;
    const row = rowFrom(entry, await listStatuses(api, entry.id), application);
    if (row !== undefined) return row;
  }
  return undefined;
}

/**
 * The newest status that Belay wrote counts. When the job ends GitHub adds one of its own to an adopted deployment, which
 * tells only how the job ended; `inactive` is believed from anybody.
 */
function rowFrom(
  entry: DeploymentEntry,
  statuses: readonly StatusEntry[],
  application: string,
): EnvironmentRow | undefined {
  const said = statuses
    .map((status) => ({ status, facts: readDescription(status.description) }))
    .find(({ facts }) => facts?.application === shortName(application));
  if (entry.payload === undefined && said === undefined) return undefined;
  const newest = statuses[0];
  const status = said?.status ?? newest;
  const ended = newest?.state === "inactive";
  return {
    environment: entry.environment,
    state: ended ? "inactive" : (status?.state ?? "pending"),
    description: said?.facts?.words ?? "Not reported yet",
    commit: entry.sha,
    since: status?.createdAt ?? entry.createdAt,
    ...optional("outcome", ended ? undefined : said?.facts?.outcome),
    ...optional("deployment", said?.facts?.deployment ?? entry.payload?.deployment),
    ...optional("runUrl", status?.logUrl),
    ...optional("url", status?.environmentUrl || entry.payload?.url),
  };
}
