/** What stands where something was taken out. As Trivy writes it. */
export const STARS = "****";

/**
 * Instructions of which nothing but the first word is read: they make no layer, and are what secrets are given by, and what
 * the builder puts the values of variables and arguments into.
 */
const SET = /^(?:ENV|ARG|LABEL|CMD|ENTRYPOINT|HEALTHCHECK|ONBUILD|SHELL)\b/i;

const BUILDKIT = "# buildkit";

/** As `parseReport` looks for a shell that ran; with its folder, where that is plain. */
const SHELL = /(?:(?<=^|\s)\/[\w./-]*\/)?\b(?:a|ba|da)?sh -/g;

/**
 * A step of an image's history (`created_by`) without the values that the builder put into it: of variables, labels and
 * build arguments (`RUN |1 TOKEN=… /bin/sh -c …`), and what stands before the host of an address. A command is left as its
 * Dockerfile has it, so that a finding can be told to be of that line; `commands` takes it out too. What is left tells what it
 * told before of what kind of step it is, of whether a shell ran, and of who made it.
 */
export function maskStep(step: string, commands: boolean): string {
  const text = step.endsWith(BUILDKIT) ? step.slice(0, -BUILDKIT.length).trimEnd() : step;
  return maskText(text, commands).replace(/:\/\/[^/\s]*@/g, `://${STARS}@`) + step.slice(text.length);
}

/**
 * What a check says of a step, which may quote it at its end: without what the build was given, where the builder put that before
 * the command (Trivy takes it off before `/bin/sh -c` alone); `commands` takes the quotation out.
 */
export function maskQuotation(message: string, commands: boolean): string {
  return message.replace(commands ? /: '.*$/s : /: '\|\d+ .*$/s, `: '${STARS}'`);
}

function maskText(text: string, commands: boolean): string {
  // What the build was given: `RUN |2 A=1 B=2 /bin/sh -c …`, values unquoted, and without RUN in the classic builder.
  const [given] = /^(?:RUN )?\|\d+ /.exec(text) ?? [];
  if (given !== undefined) return `${given}${STARS}${shellOf(text.slice(given.length), commands)}`;
  // The classic builder's mark of what is no command, on Windows after another shell.
  const [mark = ""] = /^.{0,200}?#\(nop\)\s*/.exec(text) ?? [];
  const rest = text.slice(mark.length);
  const [set] = SET.exec(rest) ?? [];
  if (set !== undefined) return `${mark}${set} ${nameIn(rest.slice(set.length))}${STARS}`;
  if (!commands) return text;
  const [kept = ""] = /^(?:\/bin\/sh -c |RUN |[A-Z]+ )/i.exec(rest) ?? [];
  const shell = /^RUN /i.test(kept) ? shellOf(rest.slice(kept.length), true) : "";
  return `${mark}${kept}${STARS}${shell}`;
}

/** From the last shell on: before it stands, or may stand, what was given. */
function shellOf(text: string, commands: boolean): string {
  const last = [...text.matchAll(SHELL)].at(-1);
  if (last === undefined) return "";
  return ` ${commands ? `${last[0]}c ${STARS}` : text.slice(last.index)}`;
}

/** ` NAME=value` names what it sets. */
function nameIn(text: string): string {
  return /^\s*([A-Za-z_][\w.-]*=)/.exec(text)?.[1] ?? "";
}
