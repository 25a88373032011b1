import { parse } from "yaml";
import { projectFiles, readText } from "../../structure/source-files.ts";

/** What an `action.yml` says. */
export interface ActionFile {
  readonly inputs: Readonly<Record<string, { readonly default?: string }>>;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly runs: {
    readonly using: string;
    readonly main?: string;
    readonly post?: string;
    readonly steps?: readonly { readonly run?: string; readonly env?: Readonly<Record<string, string>> }[];
  };
}

const FILES = projectFiles("*action.yml").filter((path) => !path.startsWith("test/"));
/** Every action of the repository, by path. */
const ACTIONS = new Map(FILES.map((path) => [path, parse(readText(path)) as ActionFile]));

export const COMPOSITE_ACTIONS = [...ACTIONS.keys()].filter((path) => action(path).runs.using === "composite");
export const NODE_ACTIONS = [...ACTIONS.keys()].filter((path) => action(path).runs.using !== "composite");

export function action(path: string): ActionFile {
  const found = ACTIONS.get(path);
  if (found === undefined) throw new Error(`there is no ${path}`);
  return found;
}

/** Names of the inputs of an action. */
export function inputsOf(path: string): string[] {
  return Object.keys(action(path).inputs);
}
