import { BelayError } from "@belay/core";
import { formatDate } from "./format-date.ts";

/** Values of `{{name}}`, and the times of `{{date '…'}}` and `{{commit_date '…'}}`. */
export interface TemplateValues {
  readonly values: Readonly<Record<string, string>>;
  readonly dates: Readonly<Record<string, Date>>;
}

const EXPRESSION = /\{\{\s*(?<name>[a-z_]+)(?<words>(?:\s+(?:tz=)?(?:'[^']*'|"[^"]*"))*)\s*\}\}/g;
const WORD = /(?<key>tz=)?(?:'(?<single>[^']*)'|"(?<double>[^"]*)")/g;

/**
 * Fills in the expressions of a rule. There is no code in them: a name, and for a date its format and zone.
 * @throws BelayError INVALID_INPUT for an expression that there is not
 */
export function fillTemplate(text: string, { values, dates }: TemplateValues, doing: string): string {
  const refuse = (what: string): never => {
    const legal = [...Object.keys(values), ...Object.keys(dates).map((name) => `${name} 'format' tz='zone'`)];
    const next = `Legal expressions: ${legal.map((name) => `{{${name}}}`).join(", ")}.`;
    throw new BelayError("INVALID_INPUT", { doing, got: `${JSON.stringify(text)} has ${what}`, next });
  };
  if (text.replace(EXPRESSION, "").includes("{{")) refuse("an expression that can't be read");
  return text.replace(EXPRESSION, (whole, ...rest) => {
    const { name = "", words = "" } = rest.at(-1) as Readonly<Record<string, string>>;
    const plain = Object.hasOwn(values, name) && words === "" ? values[name] : undefined;
    if (plain !== undefined) return plain;
    const date = Object.hasOwn(dates, name) ? dates[name] : undefined;
    if (date === undefined) return refuse(`the expression ${whole}`);
    const given = [...words.matchAll(WORD)].map(({ groups }) => ({
      zone: groups?.key !== undefined,
      value: groups?.single ?? groups?.double ?? "",
    }));
    const format = given.find(({ zone }) => !zone)?.value ?? "YYYY-MM-DDTHH:mm:ssZ";
    try {
      return formatDate(date, format, given.find(({ zone }) => zone)?.value);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return refuse(`a time zone that there is not (${whole})`);
    }
  });
}
