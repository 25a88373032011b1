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
  for (const [name, { build }] of services) {
    for (const [id, secret] of Object.entries(build?.secrets ?? {})) {
      sources.onSecret?.(await readSecret(`reading the secret ${id} of services.${name}.build`, secret, sources));
    }
  }
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
