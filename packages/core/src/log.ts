import type { Redactor } from "./redaction.ts";
import { plainText } from "./text.ts";

/** Where people read what happens. Text from outside may be passed as it is: it can't become a command here. */
export interface Log {
  debug(message: string): void;
  info(message: string): void;
  notice(message: string, at?: Annotation): void;
  warn(message: string, at?: Annotation): void;
  error(message: string, at?: Annotation): void;
  /** Shows what `work` logs under a title that can be folded. */
  group<T>(title: string, work: () => Promise<T>): Promise<T>;
}

/** Place of an annotation in the repository. */
export interface Annotation {
  readonly title?: string;
  readonly file?: string;
  readonly line?: number;
}

/** How one kind of log shows itself. */
export interface LogStyle {
  readonly debug: boolean;
  line(level: "debug" | "info" | "notice" | "warn" | "error", message: string, at?: Annotation): string;
  open(title: string): string;
  close(): string;
}

/** A {@link Log} that redacts, takes control characters out, and writes to `write`. */
export function createLog(style: LogStyle, redactor: Redactor, write: (text: string) => void): Log {
  const put = (level: Parameters<LogStyle["line"]>[0], message: string, at?: Annotation): void => {
    if (level === "debug" && !style.debug) return;
    write(`${style.line(level, redactor.redact(plainText(message)), at)}\n`);
  };
  const frame = (text: string): void => {
    if (text !== "") write(`${text}\n`);
  };
  return {
    debug: (message) => put("debug", message),
    info: (message) => put("info", message),
    notice: (message, at) => put("notice", message, at),
    warn: (message, at) => put("warn", message, at),
    error: (message, at) => put("error", message, at),
    group: async (title, work) => {
      frame(style.open(redactor.redact(plainText(title))));
      try {
        return await work();
      } finally {
        frame(style.close());
      }
    },
  };
}

/** For a terminal and for plain CI logs. */
export function plainStyle(options: { debug?: boolean; colour?: boolean } = {}): LogStyle {
  const paint = (code: string, text: string): string => (options.colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const marks = { debug: "", info: "", notice: "", warn: paint("33", "warning: "), error: paint("31", "error: ") };
  return {
    debug: options.debug ?? false,
    line: (level, message) => `${marks[level]}${message}`,
    open: (title) => paint("1", `▸ ${title}`),
    close: () => "",
  };
}

/**
 * For a step of GitHub Actions. Lines of ordinary output that look like a workflow command get a zero-width space in
 * front, so that no tool's output and no log line of a container is ever obeyed (docs: "Workflow commands").
 */
export function workflowStyle(options: { debug?: boolean } = {}): LogStyle {
  return {
    debug: options.debug ?? false,
    line: (level, message, at) =>
      level === "info" || level === "debug"
        ? defuse(message)
        : `::${commandOf(level)}${properties(at)}::${escapeData(message)}`,
    open: (title) => `::group::${escapeData(title)}`,
    close: () => "::endgroup::",
  };
}

/** `text` in which no line is a workflow command (`::x::` and the older `##[x]`). */
export function defuse(text: string): string {
  return text.replace(/^(\s*)(::|##\[)/gm, "$1\u200b$2");
}

function commandOf(level: "notice" | "warn" | "error"): string {
  return level === "warn" ? "warning" : level;
}

function properties(at: Annotation | undefined): string {
  const pairs = Object.entries(at ?? {}).map(([key, value]) => `${key}=${escapeProperty(String(value))}`);
  return pairs.length === 0 ? "" : ` ${pairs.join(",")}`;
}

/** Escaping of `@actions/core` (toolkit, `command.ts`): data keeps `:` and `,`, properties don't. */
function escapeData(text: string): string {
  return text.replace(/%/g, "%25").replace(/\r/g, "%0D").replace(/\n/g, "%0A");
}

function escapeProperty(text: string): string {
  return escapeData(text).replace(/:/g, "%3A").replace(/,/g, "%2C");
}
