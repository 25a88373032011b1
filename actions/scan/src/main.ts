import { runAction, setScanOutputs } from "@belay/action";
import { loadScanInputs, scan, tellScan } from "@belay/pipeline";

await runAction(async (context) => {
  const inputs = loadScanInputs(context.inputs);
  const scanned = await scan(context, inputs, { onScanned: (found) => setScanOutputs(context, found) });
  await tellScan(context, scanned.summary);
  return undefined;
});
