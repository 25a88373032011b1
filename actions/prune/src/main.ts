import { runAction } from "@belay/action";
import { loadPruneInputs, pruneJson, pruneText } from "@belay/pipeline";

await runAction(async (context) => {
  const inputs = loadPruneInputs(context.inputs);
  const { prune } = await import("@belay/pipeline/prune");
  const pruned = await prune(context, inputs);
  for (const line of pruneText(pruned).trimEnd().split("\n")) context.log.info(line);
  const { repositories } = pruned;
  const going = repositories.flatMap(({ choices }) => choices.filter(({ keep }) => !keep));
  context.output("result", JSON.stringify(pruneJson(pruned)));
  context.output("images", String(going.length));
  context.output("freed-bytes", String(repositories.reduce((sum, { freed }) => sum + freed, 0)));
  return undefined;
});
