import { createRunner, Redactor, type Runner } from "@belay/core";

/** Runs the programs that rigs need. Nothing that rigs handle is secret beyond their own passwords. */
export const run: Runner = createRunner(new Redactor());
