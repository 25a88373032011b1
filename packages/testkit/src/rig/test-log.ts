import { createLog, type Log, type LogStyle, Redactor } from "@belay/core";

export interface TestLog extends Log {
  /** All that was logged, redacted, one entry a message: `warn: the disk is full`, `group: Building`. */
  readonly lines: readonly string[];
  /** The lines as one text. */
  text(): string;
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
  const log = createLog(STYLE, redactor, (text) => lines.push(text.replace(/\n$/, "")));
  return { ...log, lines, text: () => lines.join("\n") };
}
