import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { basename, join } from "node:path";
import { groupDecisions, locateFinding, remedyOf, type SourceFiles, subjectOf, worstFirst } from "@belay/scan";
import type { PipelineContext } from "../run/context.ts";
import type { Scanned } from "./scan.ts";

/** GitHub shows ten errors of a step, and its last one says how the scan ended. */
const MOST = 9;
/** More Dockerfiles, and larger ones, are not looked through. */
const MOST_DOCKERFILES = 20;
const MOST_BYTES = 1024 * 1024;

/** Annotates what lets the scan fail, the worst first, at its place in the repository where that is known. */
export async function annotateFindings(context: PipelineContext, { gated }: Scanned): Promise<void> {
  const failing = gated.flatMap(({ service, gate }) =>
    groupDecisions(gate.decisions.filter(({ effect }) => effect === "fails")).map((group) => ({ service, group })),
  );
  if (failing.length === 0) return;
  failing.sort((a, b) => worstFirst(a.group.first, b.group.first));
  const files = await sourceFiles(context);
  for (const { service, group } of failing.slice(0, MOST)) {
    const { finding } = group.first;
    const title = `${finding.severity} ${finding.id} in ${service}`;
    const message = `${subjectOf(finding)}: ${remedyOf(finding)}. ${finding.title}`;
    context.log.error(message, { title, ...locateFinding(group, files) });
  }
}

/** What git knows below the working directory; nothing, where there is no repository. Paths are the repository's. */
async function sourceFiles({ runner, workingDirectory }: PipelineContext): Promise<SourceFiles> {
  const git = async (...words: string[]): Promise<string> => {
    const { exitCode, stdout } = await runner("git", words, { cwd: workingDirectory, allowedExitCodes: [1, 128] });
    return exitCode === 0 ? stdout : "";
  };
  try {
    const prefix = (await git("rev-parse", "--show-prefix")).trim();
    const names = (await git("ls-files", "-z")).split("\0").filter((name) => name !== "");
    const dockerfiles = names.filter((name) => /^(?:.+\.)?Dockerfile(?:\..+)?$/i.test(basename(name)));
    const read = dockerfiles.slice(0, MOST_DOCKERFILES).map(async (name): Promise<[string, string]> => {
      return [`${prefix}${name}`, await readPlain(join(workingDirectory, name)).catch(() => "")];
    });
    return { paths: names.map((name) => `${prefix}${name}`), dockerfiles: Object.fromEntries(await Promise.all(read)) };
  } catch {
    // Without git, or without a folder, the findings are told all the same.
    return { paths: [], dockerfiles: {} };
  }
}

/**
 * Whoever opens a pull request chooses what is there: a link to a device would never end, a pipe would wait for its writer.
 * Nothing of what is no plain file, or is too large.
 */
async function readPlain(file: string): Promise<string> {
  // Windows has neither flag.
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  const handle = await open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const found = await handle.stat();
    return found.isFile() && found.size <= MOST_BYTES ? await handle.readFile("utf8") : "";
  } finally {
    await handle.close();
  }
}
