import { runAction, setScanOutputs } from "@belay/action";
import { loadScanInputs, type Scanned, scan, tellScan } from "@belay/pipeline";

await runAction(async (context) => {
  const inputs = loadScanInputs(context.inputs);
  const onScanned = (found: Scanned): void => setScanOutputs(context, found);
  const scanned = await scan(context, inputs, { onScanned, annotate: true });
  await tellScan(context, scanned.summary);
  return undefined;
});
