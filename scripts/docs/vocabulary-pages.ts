import { CAUSES, EXIT_CODES, OUTCOMES } from "@belay/core";
import { table } from "./markdown.ts";

/** One sentence per exit reason: core knows its number, people want to know what it means. */
const REASONS: Readonly<Record<keyof typeof EXIT_CODES, string>> = {
  internal_error: "Belay, GitHub or an engine failed in a way that is not yours to repair in a file",
  invalid_input: "An input, belay.yaml or a file that it names is not right",
  vulnerabilities_found: "The scan gate found vulnerabilities",
  scan_could_not_run: "The scan did not happen, so nothing is known",
  drift_found: "What runs is not what should run",
  build_failed: "The image could not be built",
  tests_failed: "The tests in the image failed",
  push_failed: "The registry did not take the image, or holds other content than what was built",
  verify_failed: "What runs could not be verified",
};

/** The contract of the command line and of the outputs `outcome` and `exit-code`. */
export function exitCodesPart(): string {
  const outcomes = Object.entries(OUTCOMES).map(([name, facts]) => ({
    code: facts.exitCode,
    cells: [`\`${name}\``, facts.headline, `\`${facts.deploymentState}\``],
  }));
  const reasons = Object.entries(EXIT_CODES).map(([name, code]) => ({
    code,
    cells: [`\`${name}\``, REASONS[name as keyof typeof EXIT_CODES], ""],
  }));
  const rows = [...outcomes, ...reasons].sort((a, b) => a.code - b.code);
  return table(
    ["exit code", "`outcome`", "what it means", "GitHub deployment"],
    rows.map((row) => [String(row.code), ...row.cells]),
  );
}

export function causesPart(): string {
  return table(
    ["cause", "what it means"],
    Object.entries(CAUSES).map(([name, sentence]) => [`\`${name}\``, sentence]),
  );
}
