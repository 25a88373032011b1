import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ActionContext, runAction } from "@belay/action";
import {
  configScanners,
  downloadTrivy,
  type TrivyActionCall,
  trivyActionCall,
  trivyActionRuns,
  trivyActionScope,
} from "@belay/scan";
import { inputsOfComposite } from "./inputs.ts";

/** First step: nothing that was not checked here reaches trivy-action. */
await runAction(async (context) => {
  const call = trivyActionCall(context.inputs, context.env);
  for (const blind of call.blind)
    context.log.warn(
      `The gate of actions/scan, as it is by default, passes this only with \`scan-allow-partial\`: ${blind}.`,
    );
  context.output("trivy", await programOf(context, call));
  for (const [name, value] of Object.entries(call.inputs)) context.output(name, value);
  // trivy-action has no input for it.
  context.output("image-config-scanners", configScanners(trivyActionScope(context.inputs).scanners).join(","));
  const place = await mkdtemp(join(context.env.RUNNER_TEMP ?? tmpdir(), "belay-trivy-"));
  // Read instead of the repository's own trivy.yaml and .trivyignore; trivy-secret.yaml is one that is not there.
  await writeFile(join(place, "empty.yaml"), "{}\n");
  await writeFile(join(place, "empty.trivyignore"), "\n");
  context.output("place", place);
  for (const [index, { platform = "", input = "" }] of (await trivyActionRuns(call, place)).entries()) {
    context.output(`platform-${index + 1}`, platform);
    context.output(`input-${index + 1}`, input);
    context.output(`report-${index + 1}`, join(place, `${platform.replaceAll("/", "-") || "image"}.json`));
  }
  return undefined;
}, inputsOfComposite(process.env));

async function programOf({ env, clock, log, signal }: ActionContext, call: TrivyActionCall): Promise<string> {
  if (call.download === undefined) return "trivy";
  const cache = join(env.RUNNER_TOOL_CACHE || env.RUNNER_TEMP || tmpdir(), "belay");
  await mkdir(cache, { recursive: true });
  return downloadTrivy({ choice: call.download, cache, clock, log, env, signal });
}
