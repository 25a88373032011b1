import { type Refusal, runAction, setPlanOutputs } from "@belay/action";
import { loadDeployInputs } from "@belay/pipeline";

await runAction(async (context): Promise<Refusal | undefined> => {
  const inputs = loadDeployInputs(context.inputs);
  const { tellPlan } = await import("@belay/pipeline/tell-plan");
  const told = await tellPlan(context, inputs);
  setPlanOutputs(context, told);
  const refusals = told.plan.findings.filter(({ level }) => level === "refuse");
  if (refusals.length === 0) return undefined;
  return { refused: `A deployment would be refused: ${refusals.map(({ message }) => message).join("; ")}.` };
});
