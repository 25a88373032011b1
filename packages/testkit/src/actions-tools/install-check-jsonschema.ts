import { installPythonPackage, pythonWithPip } from "./python-package.ts";

export interface PythonTool {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** How to call check-jsonschema 0.39, which carries the public schemas of GitHub's files. */
export async function installCheckJsonschema(): Promise<PythonTool> {
  const folder = await installPythonPackage({ name: "check-jsonschema", version: "0.39.0" });
  return { command: await pythonWithPip(), args: ["-m", "check_jsonschema"], env: { PYTHONPATH: folder } };
}
