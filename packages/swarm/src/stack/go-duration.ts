import { BelayError } from "@belay/core";

const NANOSECONDS = { ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3_600e9 } as const;

/**
 * Nanoseconds of a duration as Go writes it: `1m30s`, `1.5s`, `250ms`, `0s`.
 * @throws BelayError CONFIG_INVALID
 */
export function goDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|μs|ms|s|m|h)/gu)];
  const sign = text.startsWith("-") ? -1 : 1;
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text.replace(/^[-+]/, "")) {
    throw new BelayError("CONFIG_INVALID", {
      doing: "reading the rendered stack",
      got: `${JSON.stringify(text)} is no duration`,
    });
  }
  const all = parts.map(([, amount, unit]) => Number(amount) * NANOSECONDS[unit as keyof typeof NANOSECONDS]);
  return sign * Math.round(all.reduce((sum, one) => sum + one, 0));
}
