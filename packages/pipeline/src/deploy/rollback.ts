import { userInfo } from "node:os";
import type { Settings } from "@belay/config";
import { isDigest, type RolloutPolicy } from "@belay/core";
import { type RolloutEvent, rollback as rollBack } from "@belay/rollout";
import { deploymentStart } from "../report/deployment-start.ts";
import { readStages } from "../report/stages.ts";
import { type Deployed, withDeploymentReport } from "../report/with-deployment-report.ts";
import type { PipelineContext } from "../run/context.ts";
import { type GitHubRun, isOverOf } from "../run/github-of.ts";
import { settingsOf } from "../run/settings-of.ts";
import type { CommonInputs, RollbackInputs } from "../run/use-case-inputs.ts";
import { type Examined, signatureFindings } from "../sign/signature-findings.ts";
import { withRolloutPorts } from "../target/with-target.ts";
import { requireTrusted } from "../trust/require-trusted.ts";
import type { DeployHooks } from "./deploy.ts";
import { eventTeller } from "./event-line.ts";

/**
 * Makes the environment run an earlier deployment again, or brings back what ran before; then tells GitHub, where there is
 * one: the release reported is the one gone back to, and its pull request gets the comment. Needs no checkout of that
 * commit and no image but those at the registry. @throws BelayError when nothing was begun.
 */
export async function rollback(
  context: PipelineContext,
  inputs: RollbackInputs,
  hooks: DeployHooks = {},
): Promise<Deployed> {
  return withDeploymentReport(context, inputs, async (facts, run) => {
    await requireTrusted(run, { doing: "rolling back" });
    hooks.onTrusted?.();
    const settings = await settingsOf(context, inputs, "given");
    facts.application = settings.application;
    facts.environment = settings.environment;
    const stages = (await readStages(context)).filter((stage) => stage.name !== "deploy");
    const tell = hooks.onEvent ?? eventTeller((line) => context.log.info(line));
    const onEvent = (event: RolloutEvent): void => {
      if (event.kind === "chosen") {
        const { release, deployment } = event;
        facts.source = release.source;
        if (run !== undefined) {
          facts.start = { ...deploymentStart(settings, release, run), rollbackTo: deployment };
          facts.beginning = run.github.beginDeployment(facts.start);
        }
      }
      tell(event);
    };
    const url = settings.url === undefined ? {} : { url: settings.url };
    const by = whoAsks(context, run);
    const said = { ...(inputs.reason && { reason: inputs.reason }), ...(by && { by }) };
    const request = { to: inputs.to, policy: rollbackPolicy(settings, inputs), stages, ...url, ...said };
    return withRolloutPorts(context, settings, inputs.githubToken, (ports) =>
      rollBack(request, {
        ...ports,
        isOver: isOverOf(run),
        onEvent,
        objections: (images) => signatureFindings(context, inputs, settings, pinnedImages(images), SIGN_WHAT_RAN),
      }),
    );
  });
}

const SIGN_WHAT_RAN =
  "If it is older than `require-signature`, nobody asked for its signature then. Sign it as it is at the registry, for example with `cosign sign` and this digest, or go back to a deployment that is signed (`belay status` lists them), or deploy its commit anew.";

/** From `repository@sha256:…`, as the ledger has them. */
function pinnedImages(images: Readonly<Record<string, string>>): Examined {
  const entries = Object.entries(images).map(([service, image]) => {
    const at = image.lastIndexOf("@");
    const digest = image.slice(at + 1);
    return [service, isDigest(digest) ? { repository: image.slice(0, at), digest } : { repository: image }] as const;
  });
  return Object.fromEntries(entries);
}

/** Whoever presses rollback means the release that is just coming, too, whatever deployments do among themselves. */
export function rollbackPolicy({ rollout }: Pick<Settings, "rollout">, { overrides }: CommonInputs): RolloutPolicy {
  return { ...rollout, onLocked: overrides.rollout?.onLocked ?? "supersede" };
}

/** On GitHub the login of whoever started the run, else the user of the machine, where it has a name. */
function whoAsks({ env, log }: PipelineContext, run: GitHubRun | undefined): string | undefined {
  if (run !== undefined) return run.event.actor || undefined;
  try {
    return env.USER || userInfo().username;
  } catch (error) {
    log.debug(`the user has no name: ${String(error)}`);
    return undefined;
  }
}
