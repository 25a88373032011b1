import { access } from "node:fs/promises";
import type { Finding } from "@belay/core";
import { isBrought, type PlanContents } from "./plan-detail.ts";

/**
 * Files of configs and secrets that are not there: compose mounts them from the engine's host, and no container can be
 * made without them. `engineIsHere`: whether that host is this machine; of another one's files nobody here can tell.
 */
export async function missingFiles(plan: PlanContents, engineIsHere: boolean): Promise<Finding[]> {
  const { configs, secrets } = plan.project;
  const found = plan.services.filter(isBrought).flatMap(({ service, name }) => {
    const files = plan.project.services[name] ?? {};
    return [
      ...(files.configs ?? []).map((use) => ({ service, what: "config", use, file: configs?.[use.source]?.file })),
      ...(files.secrets ?? []).map((use) => ({ service, what: "secret", use, file: secrets?.[use.source]?.file })),
    ];
  });
  const findings = await Promise.all(
    found.map(async ({ service, what, use, file }): Promise<Finding[]> => {
      if (file === undefined || (await exists(file))) return [];
      const message = `the ${what} ${use.source} reads the file ${file}, which is not there`;
      const remedy = `Make the file, or take the ${what} out of the compose files.`;
      if (engineIsHere) return [{ level: "refuse", check: `${what}_missing`, service, message, remedy }];
      const elsewhere = `${message} on this machine; the engine reads it on its own`;
      return [{ level: "cannot tell", check: `${what}_missing`, service, message: elsewhere }];
    }),
  );
  return findings.flat();
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
