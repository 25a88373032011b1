import { describeCause, formatDuration, OUTCOMES, type Outcome, plainText, truncate } from "@belay/core";
import { eventLine, eventTeller, progressLine } from "@belay/pipeline";
import type { RolloutEvent, ServiceProgress } from "@belay/rollout";

/** Shows a rollout while it happens. */
export interface View {
  readonly onEvent: (event: RolloutEvent) => void;
  /** Writes ordinary output above the live part. */
  above(text: string): void;
  /** Takes the live part away. */
  close(): void;
}

export interface ViewOptions {
  /** A terminal gets a live table; anything else gets a line whenever something changed. */
  readonly terminal: boolean;
  readonly columns: number;
  /** Colours marks and verdicts of a live view. */
  readonly colour: boolean;
  readonly write: (text: string) => void;
}

export function createView(options: ViewOptions): View {
  return options.terminal ? liveView(options) : lineView(options);
}

/** One line per change of the picture: for CI logs. */
function lineView({ write }: ViewOptions): View {
  return { onEvent: eventTeller((line) => write(`${plainText(line)}\n`)), above: write, close: () => {} };
}

type Observed = Extract<RolloutEvent, { kind: "observed" }>;
type Colour = "plain" | "bold" | "green" | "red" | "dim";

interface Line {
  readonly text: string;
  readonly colour: Colour;
}

const CODES = { bold: "1", green: "32", red: "31", dim: "2" } as const;

/** A table of instances that is drawn anew in place. When its stage or direction ends, one line of it stays. */
function liveView({ write, columns, colour }: ViewOptions): View {
  let drawn: readonly Line[] = [];
  let last: Observed | undefined;
  let told: string | undefined;
  const paint = (line: Line): string =>
    colour && line.colour !== "plain" ? `\u001b[${CODES[line.colour]}m${line.text}\u001b[0m` : line.text;
  const draw = (lines: readonly Line[], text = ""): void => {
    const erase = drawn.length === 0 ? "" : `\u001b[${drawn.length}A\u001b[0J`;
    // Cut before it is painted: a line that wraps would be taken away by halves.
    drawn = lines.map((line) => ({ ...line, text: truncate(line.text, columns - 1) }));
    const all = `${erase}${text}${drawn.map((line) => `${paint(line)}\n`).join("")}`;
    if (all !== "") write(all);
  };
  const tell = (event: RolloutEvent): void => {
    const text = eventLine(event);
    if (text === undefined || text === told) return;
    told = text;
    draw(drawn, `${paint({ text: plainText(text), colour: colourOf(event) })}\n`);
  };
  const settle = (): void => {
    const ended = last;
    last = undefined;
    draw([]);
    if (ended !== undefined) tell(ended);
  };
  return {
    onEvent: (event) => {
      if (event.kind === "observed") {
        if (last !== undefined && (last.stage !== event.stage || last.direction !== event.direction)) settle();
        last = event;
        // At once, before the next stage's steps are told: those would stand above this one's end.
        if (event.verdict.kind === "converged") settle();
        else draw(table(event));
        return;
      }
      if (event.kind === "failed" || event.kind === "ended") settle();
      tell(event);
    },
    above: (text) => draw(drawn, text),
    close: () => draw([]),
  };
}

function colourOf(event: RolloutEvent): Colour {
  if (event.kind === "failed" || event.kind === "unreachable") return "red";
  if (event.kind === "observed") return event.verdict.kind === "converged" ? "green" : "plain";
  return event.kind === "ended" ? colourOfOutcome(event.outcome) : "plain";
}

/** What was cancelled or gave way is no failure. */
function colourOfOutcome(outcome: Outcome): Colour {
  const { deploymentState } = OUTCOMES[outcome];
  if (deploymentState === "success") return "green";
  return deploymentState === "inactive" ? "plain" : "red";
}

function table(event: Observed): Line[] {
  const title = `${event.direction === "back" ? "taking it off" : event.stage} · ${formatDuration(event.elapsedMs)}`;
  const rows = event.services.flatMap((service): Line[] => [
    { text: `  ${progressLine(service)}`, colour: "plain" },
    ...service.instances.map((instance) => instanceLine(instance, event.direction)),
  ]);
  return [{ text: title, colour: "bold" }, ...rows, verdictLine(event)];
}

/** On the way there the wanted instances are the new ones; on the way back they are the old, and the others the bad. */
function instanceLine(instance: ServiceProgress["instances"][number], direction: Observed["direction"]): Line {
  const mark = instance.ready ? "●" : "○";
  const which = instance.wanted === (direction === "forward") ? "new" : "old";
  const word = direction === "back" && !instance.wanted ? "bad" : which;
  const phase = instance.phase === "current" ? "" : ` (${instance.phase})`;
  const text = `    ${mark} ${instance.title.padEnd(28)} ${word}  ${plainText(instance.state)}${phase}`;
  return { text, colour: instanceColour(instance, word) };
}

function instanceColour(instance: ServiceProgress["instances"][number], word: string): Colour {
  if (word === "bad") return "red";
  if (!instance.wanted || instance.phase !== "current") return "dim";
  if (instance.ready) return "green";
  return /\b(unhealthy|restarting|dead|oom|exit code [1-9])/i.test(instance.state) ? "red" : "plain";
}

function verdictLine({ verdict }: Observed): Line {
  if (verdict.kind === "progressing") {
    return { text: `  now: ${plainText(verdict.waitingFor.join("; "))}`, colour: "plain" };
  }
  return verdict.kind === "failed"
    ? { text: `  failed: ${plainText(describeCause(verdict.cause))}`, colour: "red" }
    : { text: "  converged", colour: "green" };
}
