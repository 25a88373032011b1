import type { Settings } from "@belay/config";
import { type Release, releaseDigest, type Source } from "@belay/core";
import { type DeploymentResult, type RolloutEvent, deploy as rollOut } from "@belay/rollout";
import { deploymentStart } from "../report/deployment-start.ts";
import { readStages } from "../report/stages.ts";
import { type Deployed, withDeploymentReport } from "../report/with-deployment-report.ts";
import type { PipelineContext } from "../run/context.ts";
import { type GitHubRun, isOverOf } from "../run/github-of.ts";
import { settingsOf } from "../run/settings-of.ts";
import type { DeployInputs } from "../run/use-case-inputs.ts";
import { signatureFindings } from "../sign/signature-findings.ts";
import { withRolloutPorts } from "../target/with-target.ts";
import { requireTrusted } from "../trust/require-trusted.ts";
import { eventTeller } from "./event-line.ts";
import { isOlder } from "./is-older.ts";
import { releaseToDeploy } from "./release-to-deploy.ts";

export interface DeployHooks {
  /** Told once the code is known to be the repository's own, before the target is asked anything. */
  readonly onTrusted?: () => void;
  /** Live progress. */
  readonly onEvent?: (event: RolloutEvent) => void;
}

/**
 * Makes the environment run the release, or brings back what ran before; then tells GitHub, where there is one.
 * Every end that a target can have is an outcome in the report. @throws BelayError when nothing was begun.
 */
export async function deploy(
  context: PipelineContext,
  inputs: DeployInputs,
  hooks: DeployHooks = {},
): Promise<Deployed> {
  return withDeploymentReport(context, inputs, async (facts, run) => {
    const settings = await settingsOf(context, inputs);
    facts.application = settings.application;
    facts.environment = settings.environment;
    const release = await releaseToDeploy(context, inputs, settings);
    facts.source = release.source;
    await requireTrusted(run, { doing: "deploying", source: release.source });
    hooks.onTrusted?.();
    if (run !== undefined) {
      facts.start = deploymentStart(settings, { digest: releaseDigest(release), source: release.source }, run);
      // Beside the rollout and not before it: a GitHub that is slow must not hold a fix back.
      facts.beginning = run.github.beginDeployment(facts.start);
    }
    return rollOutTo(context, { inputs, settings, release, run, hooks });
  });
}

interface Rollout {
  readonly inputs: DeployInputs;
  readonly settings: Settings;
  readonly release: Release;
  readonly run: GitHubRun | undefined;
  readonly hooks: DeployHooks;
}

async function rollOutTo(context: PipelineContext, rollout: Rollout): Promise<DeploymentResult> {
  const { inputs, settings, release, run, hooks } = rollout;
  const stages = (await readStages(context)).filter((stage) => stage.name !== "deploy");
  const url = settings.url === undefined ? {} : { url: settings.url };
  return withRolloutPorts(context, settings, inputs.githubToken, (ports) =>
    rollOut(
      { release, policy: settings.rollout, stages, ...url },
      {
        ...ports,
        isOver: isOverOf(run),
        objections: () => signatureFindings(context, inputs, settings, release.services),
        isOlder: (running: Source) => isOlder(context, release.source, running),
        onEvent: hooks.onEvent ?? eventTeller((line) => context.log.info(line)),
      },
    ),
  );
}
