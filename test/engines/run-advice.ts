import { createRunner, type DeploymentReport, Redactor } from "@belay/core";

const run = createRunner(new Redactor());

/**
 * Runs what people are told to type, each command in a shell as theirs: one that ends with another exit code than 0 fails the
 * test. What each wrote, by its title.
 */
export async function runAdvice(
  advice: DeploymentReport["advice"],
  env: Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, string>> {
  const wrote = new Map<string, string>();
  for (const { title, command } of advice) {
    const { stdout } = await run("sh", ["-c", command], { env, deadlineMs: 60_000, doing: title });
    wrote.set(title, stdout);
  }
  return wrote;
}
