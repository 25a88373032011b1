import { Inputs } from "@belay/core";
import { parse } from "./example.fixture.ts";
import { loadOverrides, type ResolveOptions, resolveSettings } from "./index.ts";

const ENV = { DB_PASSWORD: "hunter2" };

/** Settings from the text of a belay.yaml and inputs as an action gets them. */
export function settings(
  text: string | undefined,
  inputs: Record<string, string> = {},
  more: Partial<ResolveOptions> = {},
) {
  const file = text === undefined ? undefined : parse(text);
  const overrides = loadOverrides(new Inputs((name) => inputs[name]));
  const fixed = { env: ENV, workingDirectory: "/srv", onSecret: () => {} };
  return resolveSettings({ file, inputs: overrides, ...fixed, ...more });
}
