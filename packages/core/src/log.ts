import { AsyncLocalStorage } from "node:async_hooks";
import { formatDuration } from "./duration.ts";
import type { Redactor } from "./redaction.ts";
import { plainText } from "./text.ts";
import { Turns } from "./turns.ts";

/** Where people read what happens. Text from outside may be passed as it is: it can't become a command here. */
export interface Log {
  debug(message: string): void;
  info(message: string): void;
  notice(message: string, at?: Annotation): void;
  warn(message: string, at?: Annotation): void;
  error(message: string, at?: Annotation): void;
  /**
   * Shows what `work` logs under a title that can be folded. Groups that `overlap` in time are shown one after the other,
   * but for notices, warnings and errors, which never wait. In one of those, another group is a title and no more.
   */
  group<T>(title: string, work: () => Promise<T>, options?: { readonly overlap?: boolean }): Promise<T>;
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
  /**
   * Keeps a group's lines back: all of them are shown when its work fails, else only notices, warnings and errors, and
   * a line with the duration. Default false.
   */
  readonly fold?: boolean;
  open(title: string): string;
  close(): string;
}

type Level = Parameters<LogStyle["line"]>[0];

/** A {@link Log} that redacts, takes control characters out, and writes to `write`. */
export function createLog(style: LogStyle, redactor: Redactor, write: (text: string) => void): Log {
  const folds = new Folds(write);
  const clean = (text: string): string => redactor.redact(plainText(text));
  const place = ({ title, file, line }: Annotation): Annotation => ({
    ...(title === undefined ? {} : { title: clean(title) }),
    ...(file === undefined ? {} : { file: clean(file) }),
    ...(line === undefined ? {} : { line }),
  });
  const frame = (text: string): string => (text === "" ? "" : `${text}\n`);
  const turns = new Turns((text) => {
    if (text !== "") write(text);
  }, frame(style.close()));
  const put = (level: Level, message: string, at?: Annotation): void => {
    if (level === "debug" && !style.debug) return;
    const folded = level === "debug" || level === "info";
    const text = `${style.line(level, clean(message), at && place(at))}\n`;
    if (style.fold) folds.put(text, folded);
    // Also in the frame of another group it is an annotation, and tells what it is about.
    else turns.put(text, !folded);
  };
  return {
    debug: (message) => put("debug", message),
    info: (message) => put("info", message),
    notice: (message, at) => put("notice", message, at),
    warn: (message, at) => put("warn", message, at),
    error: (message, at) => put("error", message, at),
    group: async (title, work, options) => {
      const open = style.open(clean(title));
      if (style.fold) return folds.run(open, work);
      if (turns.inside) {
        put("info", title);
        return work();
      }
      if (options?.overlap) return turns.run(frame(open), work);
      turns.put(frame(open));
      try {
        return await work();
      } finally {
        turns.put(frame(style.close()));
      }
    },
  };
}

interface Fold {
  readonly parent: Fold | undefined;
  readonly lines: { readonly text: string; readonly folded: boolean }[];
  closed: boolean;
}

/** Lines that are kept back, per call of `group`: groups may be nested and run side by side. */
class Folds {
  readonly #current = new AsyncLocalStorage<Fold>();
  readonly #write: (text: string) => void;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** Keeps a line for the group that the caller runs in; writes it when there is none. */
  put(text: string, folded: boolean): void {
    this.#give(openFold(this.#current.getStore()), text, folded);
  }

  async run<T>(title: string, work: () => Promise<T>): Promise<T> {
    const parent = openFold(this.#current.getStore());
    const fold: Fold = { parent, lines: [], closed: false };
    const beganAt = performance.now();
    // A title at once: a build of minutes without a word looks like a hang.
    this.#give(parent, `${title}\n`, true);
    try {
      const result = await this.#current.run(fold, work);
      this.#show(fold, (line) => !line.folded);
      this.#give(parent, `${title}: done in ${formatDuration(performance.now() - beganAt)}\n`, true);
      return result;
    } catch (error) {
      this.#show(fold, () => true);
      this.#give(parent, `${title}: failed after ${formatDuration(performance.now() - beganAt)}\n`, true);
      throw error;
    }
  }

  #show(fold: Fold, shown: (line: Fold["lines"][number]) => boolean): void {
    fold.closed = true;
    for (const line of fold.lines.filter(shown)) this.#give(fold.parent, line.text, line.folded);
  }

  #give(fold: Fold | undefined, text: string, folded: boolean): void {
    if (fold === undefined) this.#write(text);
    else fold.lines.push({ text, folded });
  }
}

/** What a process says after its group has ended belongs to the group around it. */
function openFold(fold: Fold | undefined): Fold | undefined {
  return fold?.closed ? openFold(fold.parent) : fold;
}

/** For a terminal and for plain CI logs. */
export function plainStyle(options: { debug?: boolean; colour?: boolean; fold?: boolean } = {}): LogStyle {
  const paint = (code: string, text: string): string => (options.colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const marks = { debug: "", info: "", notice: "", warn: paint("33", "warning: "), error: paint("31", "error: ") };
  return {
    debug: options.debug ?? false,
    fold: options.fold ?? false,
    line: (level, message) => `${marks[level]}${message}`,
    open: (title) => paint("1", `▸ ${title}`),
    close: () => "",
  };
}

/** For a step of GitHub Actions. No tool's output and no log line of a container is ever obeyed there. */
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

/**
 * `text` in which nothing is a workflow command, as the runner reads one (actions/runner, `ActionCommand`): `::x::` after what
 * .NET takes for white space at the start of a line, the older `##[x]` anywhere in it. A zero-width space in front of that one
 * would hide nothing.
 */
export function defuse(text: string): string {
  return text.replace(/^([\s\u0085]*)::/gm, "$1\u200b::").replaceAll("##[", "#\u200b#[");
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
