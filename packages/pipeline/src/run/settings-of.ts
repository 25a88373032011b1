import {
  type ApplicationSettings,
  type ConfigFile,
  loadConfig,
  resolveApplication,
  resolveScan,
  resolveSettings,
  type ScanOverrides,
  type ScanSettings,
  type Settings,
} from "@belay/config";
import type { PipelineContext } from "./context.ts";
import type { CommonInputs } from "./use-case-inputs.ts";

/**
 * Settings of one environment from belay.yaml and the inputs. `secrets`: `given` for whoever does not read the target's
 * files, in which alone secrets are used.
 * @throws BelayError CONFIG_NOT_FOUND, CONFIG_INVALID, INVALID_INPUT
 */
export async function settingsOf(
  context: PipelineContext,
  inputs: CommonInputs,
  secrets: "all" | "given" = "all",
): Promise<Settings> {
  const onSecret = (value: string): void => context.redactor.add(value);
  return resolveSettings({ ...(await common(context, inputs)), onSecret, secrets });
}

/** What a build needs: no environment has to be named. @throws as {@link settingsOf} */
export async function applicationOf(context: PipelineContext, inputs: CommonInputs): Promise<ApplicationSettings> {
  return resolveApplication({ ...(await common(context, inputs)), builds: true });
}

/** How images are scanned, and what stops one. Asks for no variable and no secret. @throws as {@link settingsOf} */
export async function scanSettingsOf(
  context: PipelineContext,
  { config, environment, scan }: Pick<CommonInputs, "config" | "environment"> & { readonly scan: ScanOverrides },
): Promise<ScanSettings> {
  const { workingDirectory } = context;
  const file = await loadConfig(config, { workingDirectory });
  return resolveScan({ file, environment, inputs: scan, workingDirectory });
}

async function common(context: PipelineContext, inputs: CommonInputs) {
  const { workingDirectory, env } = context;
  const file: ConfigFile | undefined = await loadConfig(inputs.config, { workingDirectory });
  return {
    ...(file === undefined ? {} : { file }),
    ...(inputs.environment === undefined ? {} : { environment: inputs.environment }),
    inputs: inputs.overrides,
    env,
    workingDirectory,
  };
}
