import type { DecisionGroup } from "../gate/group-decisions.ts";

/** Files of a repository, by path, with the text of those that are Dockerfiles. */
export interface SourceFiles {
  readonly paths: readonly string[];
  readonly dockerfiles: Readonly<Record<string, string>>;
}

export interface SourcePlace {
  readonly file: string;
  readonly line?: number;
}

/**
 * Where in the repository a finding of an image comes from: the file of the same name, such as a lock file, else the
 * instruction of the Dockerfile that made its layer. None, when that is not plain: nobody is sent to a wrong place.
 */
export function locateFinding(
  { first: { finding }, places }: DecisionGroup,
  files: SourceFiles,
): SourcePlace | undefined {
  const line = "line" in finding ? finding.line : undefined;
  const at = (file: string): SourcePlace => ({ file, ...(line ? { line } : {}) });
  if (finding.inRepository) return at(finding.target);
  for (const place of places) {
    const file = sameFile(place, files.paths);
    if (file !== undefined) return at(file);
  }
  return sameInstruction(finding.layer?.createdBy, files.dockerfiles);
}

/** Where applications have their files in an image. */
const ROOTS = ["", "app", "src", "srv", "work", "workspace", "usr/src/app", "home/node/app", "opt/app", "var/www/html"];

function sameFile(place: string, paths: readonly string[]): string | undefined {
  const parts = place.split("/").filter((part) => part !== "");
  for (let from = 0; from < parts.length; from++) {
    if (!ROOTS.includes(parts.slice(0, from).join("/"))) continue;
    const end = parts.slice(from).join("/");
    const same = paths.filter((path) => path === end || path.endsWith(`/${end}`));
    if (same.length > 0) return same.length === 1 ? same[0] : undefined;
  }
  return undefined;
}

function sameInstruction(
  createdBy: string | undefined,
  dockerfiles: SourceFiles["dockerfiles"],
): SourcePlace | undefined {
  const wanted = createdBy === undefined ? "" : wordsOf(createdBy.replace(/# buildkit$/, ""));
  if (wanted === "") return undefined;
  const found = Object.entries(dockerfiles).flatMap(([file, text]) =>
    instructionsOf(text)
      .filter((one) => wordsOf(one.text) === wanted)
      .map(({ line }) => ({ file, line })),
  );
  return found.length === 1 ? found[0] : undefined;
}

/** A shell that the builder puts in front, and white space, tell nothing. */
function wordsOf(instruction: string): string {
  const text = instruction.replace(/^(?:RUN )?\/bin\/sh -c (?:#\(nop\) *)?/, (all) =>
    all.includes("#(nop)") ? "" : "RUN ",
  );
  return text.replace(/\s+/g, " ").trim();
}

/** Instructions with the number of their first line; lines that end in a backslash go on. */
function instructionsOf(text: string): { readonly line: number; readonly text: string }[] {
  const found: { line: number; text: string }[] = [];
  let open = false;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const words = line.replace(/\\\s*$/, " ");
    const last = found.at(-1);
    if (open && last !== undefined) last.text += words;
    else found.push({ line: index + 1, text: words });
    open = words !== line;
  }
  return found;
}
