import { runAction, setScanOutputs } from "@belay/action";
import { loadScanInputs, type Scanned } from "@belay/pipeline";

await runAction(async (context) => {
  const inputs = loadScanInputs(context.inputs);
  const { scan } = await import("@belay/pipeline/scan");
  const onScanned = (found: Scanned): void => setScanOutputs(context, found);
  const scanned = await scan(context, inputs, { onScanned, annotate: true });
  const { tellScan } = await import("@belay/pipeline/scan-told");
  await tellScan(context, scanned.summary);
  return undefined;
});
