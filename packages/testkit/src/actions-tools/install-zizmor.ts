import { join } from "node:path";
import { installPythonPackage } from "./python-package.ts";

/** The wheel for x86-64 Linux. */
const WHEEL = "84a6acb975accc13408786a2bd274b572537ca19c933ebbc13e78f3988562071";

/** Path of zizmor 1.32, the security linter for workflows and actions. Linux on x86-64. */
export async function installZizmor(): Promise<string> {
  return join(await installPythonPackage({ name: "zizmor", version: "1.32.0", wheels: [WHEEL] }), "bin/zizmor");
}
