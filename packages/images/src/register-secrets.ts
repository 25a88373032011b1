import { readFile } from "node:fs/promises";
import type { BuildSecret } from "@belay/config";
import { BelayError, messageOf } from "@belay/core";
import type { Chosen } from "./check-services.ts";

export interface SecretSources {
  /** Variables that buildx will see. */
  readonly env?: Readonly<Record<string, string>>;
  readonly onSecret?: (value: string) => void;
}

/**
 * Reads every secret of these builds, so that what a step prints of them is redacted. The values go no further: buildx
 * reads them itself.
 * @throws BelayError INVALID_INPUT for one that is not there
 */
export async function registerSecrets(services: Chosen, sources: SecretSources): Promise<void> {
  for (const [doing, secret] of secretsOf(services)) sources.onSecret?.(await readSecret(doing, secret, sources));
}

/** The same for those that are there: whoever takes an image that was built before needs none of them. */
export async function registerKnownSecrets(services: Chosen, sources: SecretSources): Promise<void> {
  for (const [doing, secret] of secretsOf(services)) {
    const value = await readSecret(doing, secret, sources).catch(() => undefined);
    if (value !== undefined) sources.onSecret?.(value);
  }
}

/** What is done with each, and where it is. */
function secretsOf(services: Chosen): (readonly [string, BuildSecret])[] {
  return services.flatMap(([name, { build }]) =>
    Object.entries(build?.secrets ?? {}).map(
      ([id, secret]) => [`reading the secret ${id} of services.${name}.build`, secret] as const,
    ),
  );
}

async function readSecret(doing: string, secret: BuildSecret, { env }: SecretSources): Promise<string> {
  if ("file" in secret) {
    return readFile(secret.file, "utf8").catch((error: unknown) => {
      throw new BelayError("INVALID_INPUT", { doing, got: messageOf(error), next: "Correct its `file`." });
    });
  }
  const value = env?.[secret.env] ?? process.env[secret.env] ?? "";
  if (value !== "") return value;
  throw new BelayError("INVALID_INPUT", {
    doing,
    got: `the environment variable ${secret.env} is not set`,
    next: `Give it to this step: env: { ${secret.env}: "\${{ secrets.${secret.env} }}" }.`,
  });
}
