import type { HostileValues } from "./hostile-values.ts";
import { KNOWN_INPUTS, type KnownInput } from "./known-inputs.ts";

/** A hostile value of one input or option. */
export interface Given {
  readonly name: string;
  readonly value: string;
  readonly known: KnownInput;
}

/** What one process is given. Several at once only where all of them are right, so that none hides another. */
export type Trial = readonly Given[];

export interface TrialOptions {
  readonly hostile: HostileValues;
  /** Address of a server that answers whatever it is asked. */
  readonly server: string;
  /** Which of the values, by their number, an input is given that is tried alone. Default: all. */
  readonly only?: (name: string, at: number) => boolean;
}

/**
 * Every value of every input: those that are right whatever they say at once, value by value, the others alone. An input
 * whose value is refused before anything else happens is given all that is hostile at once, to see how that is told.
 */
export function trialsOf(names: readonly string[], options: TrialOptions): Trial[] {
  const { only = () => true } = options;
  const free = names.filter((name) => knownInput(name).free === true);
  const texts = Object.values(options.hostile) as string[];
  const together = texts.map((text) =>
    // Each is a path of its own.
    free.map((name): Given => given(name, fill(knownInput(name).shapes[0] ?? "V", `${text}-${name}`, options))),
  );
  const alone = names.flatMap((name) => {
    const { kind, shapes, free: isFree, late } = knownInput(name);
    const { line, lines } = options.hostile;
    const values = kind === "closed" && !late ? [`${line}\n${lines}`] : texts.filter((_text, at) => only(name, at));
    const rest = isFree ? shapes.slice(1) : shapes;
    return rest.flatMap((shape) => values.map((text) => [given(name, fill(shape, text, options))]));
  });
  return [...together.filter((trial) => trial.length > 0), ...alone];
}

/** @throws for an input of which nobody has said yet what it may hold */
export function knownInput(name: string): KnownInput {
  const known = KNOWN_INPUTS[name];
  if (known === undefined) throw new Error(`nobody has said yet what ${name} may hold (known-inputs.ts)`);
  return known;
}

function given(name: string, value: string): Given {
  return { name, value, known: knownInput(name) };
}

/** `V` stands for the text, `J` for the text in JSON, `R` for a server that answers whatever it is asked. */
export function fill(shape: string, text: string, { server }: Pick<TrialOptions, "server">): string {
  const values: Readonly<Record<string, string>> = { V: text, J: JSON.stringify(text), R: server };
  return shape.replace(/[VJR]/g, (letter) => values[letter] ?? "");
}
