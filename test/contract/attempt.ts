import { spawn } from "node:child_process";

/** How a tool's own update ended. */
export interface Attempt {
  readonly seconds: number;
  readonly exitCode: number;
  /** It was ended because it took longer than we had patience. */
  readonly gaveUp: boolean;
}

/** Runs a program to its end, or ends it after `patienceMs`. Its output is thrown away; any exit code is an answer. */
export function attempt(
  command: string,
  args: readonly string[],
  options: { readonly env: Readonly<Record<string, string>>; readonly cwd?: string; readonly patienceMs: number },
): Promise<Attempt> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ...options.env };
    const child = spawn(command, args, { env, stdio: "ignore", ...(options.cwd && { cwd: options.cwd }) });
    let gaveUp = false;
    const timer = setTimeout(() => {
      gaveUp = true;
      child.kill("SIGTERM");
    }, options.patienceMs);
    child.once("error", reject);
    child.once("exit", (code) => {
      clearTimeout(timer);
      resolve({ seconds: (performance.now() - began) / 1_000, exitCode: code ?? -1, gaveUp });
    });
  });
}
