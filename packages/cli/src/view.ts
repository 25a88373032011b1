import { describeCause, formatDuration, plainText, truncate } from "@belay/core";
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
  readonly write: (text: string) => void;
}

export function createView(options: ViewOptions): View {
  return options.terminal ? liveView(options) : lineView(options);
}

/** One line per change of the picture: for CI logs. */
function lineView({ write }: ViewOptions): View {
  return { onEvent: eventTeller((line) => write(`${plainText(line)}\n`)), above: write, close: () => {} };
}

/** A table of instances that is drawn anew in place. */
function liveView({ write, columns }: ViewOptions): View {
  let drawn: readonly string[] = [];
  const erase = (): string => (drawn.length === 0 ? "" : `\u001b[${drawn.length}A\u001b[0J`);
  const draw = (lines: readonly string[]): void => {
    const cut = lines.map((line) => truncate(line, columns - 1));
    write(`${erase()}${cut.map((line) => `${line}\n`).join("")}`);
    drawn = cut;
  };
  const above = (text: string): void => {
    const lines = drawn;
    write(`${erase()}${text}`);
    drawn = [];
    draw(lines);
  };
  return {
    onEvent: (event) => {
      if (event.kind === "observed") {
        draw(table(event));
        return;
      }
      const text = eventLine(event);
      if (text !== undefined) above(`${plainText(text)}\n`);
    },
    above,
    close: () => draw([]),
  };
}

type Observed = Extract<RolloutEvent, { kind: "observed" }>;

function table(event: Observed): string[] {
  const title = `${event.direction === "back" ? "taking it off" : event.stage} · ${formatDuration(event.elapsedMs)}`;
  const rows = event.services.flatMap((service) => [
    `  ${progressLine(service)}`,
    ...service.instances.map(instanceLine),
  ]);
  return [title, ...rows, waiting(event)];
}

function instanceLine(instance: ServiceProgress["instances"][number]): string {
  const mark = instance.ready ? "●" : "○";
  const which = instance.wanted ? "new" : "old";
  const phase = instance.phase === "current" ? "" : ` (${instance.phase})`;
  return `    ${mark} ${instance.title.padEnd(28)} ${which}  ${plainText(instance.state)}${phase}`;
}

function waiting(event: Observed): string {
  const { verdict } = event;
  if (verdict.kind === "progressing") return `  waiting for ${plainText(verdict.waitingFor.join("; "))}`;
  return verdict.kind === "failed" ? `  failed: ${plainText(describeCause(verdict.cause))}` : "  converged";
}
