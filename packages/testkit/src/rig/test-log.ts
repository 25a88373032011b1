import { createLog, type Log, type LogStyle, Redactor } from "@belay/core";

export interface TestLog extends Log {
  /** All that was logged, redacted, one entry a message: `warn: the disk is full`, `group: Building`. */
  readonly lines: readonly string[];
  /** The lines as one text. */
  text(): string;
  /** Calls back with each line from now on, as soon as it is logged: to disturb what has come that far. */
  onLine(listener: (line: string) => void): void;
}

const STYLE: LogStyle = {
  debug: true,
  line: (level, message) => `${level}: ${message}`,
  open: (title) => `group: ${title}`,
  close: () => "",
};

/** A log that keeps what it is told, in place of writing it. */
export function createTestLog(redactor: Redactor = new Redactor()): TestLog {
  const lines: string[] = [];
  const listeners: ((line: string) => void)[] = [];
  const log = createLog(STYLE, redactor, (text) => {
    const line = text.replace(/\n$/, "");
    lines.push(line);
    for (const listener of listeners) listener(line);
  });
  return { ...log, lines, text: () => lines.join("\n"), onLine: (listener) => void listeners.push(listener) };
}
