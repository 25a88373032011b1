import { oneLine } from "@belay/core";
import { z } from "zod";
import { type PackageUrl, parsePurl } from "./purl.ts";
import type { VexProduct, VexStatement } from "./vex-statement.ts";

const text = z.string();
const component = z.object({ "@id": text.optional(), identifiers: z.object({ purl: text.optional() }).optional() });
const product = component.extend({ subcomponents: z.array(component).optional() });

const document = z.object({
  "@context": text.regex(/openvex\.dev/),
  timestamp: text.optional(),
  statements: z.array(
    z.object({
      vulnerability: z.object({ "@id": text.optional(), name: text.optional(), aliases: z.array(text).optional() }),
      products: z.array(product).optional(),
      status: z.enum(["not_affected", "affected", "fixed", "under_investigation"]),
      justification: text.optional(),
      impact_statement: text.optional(),
      timestamp: text.optional(),
    }),
  ),
});

/** OpenVEX (openvex/spec). `undefined` for what is none. */
export function parseOpenvex(value: unknown, file: string): readonly VexStatement[] | undefined {
  const checked = document.safeParse(value);
  if (!checked.success) return undefined;
  return checked.data.statements.map((statement, index) => {
    const { "@id": id, name, aliases = [] } = statement.vulnerability;
    // The name is required by 0.2; before that the id was a name, or a web address that ends with it.
    const names = [name, id, id?.split("/").at(-1), ...aliases].filter((one) => one !== undefined && one !== "");
    const reason = [statement.justification, statement.impact_statement].filter((one) => one).join(": ");
    const { status } = statement;
    return {
      vulnerabilities: names as string[],
      products: (statement.products ?? []).flatMap(productOf),
      status: status === "under_investigation" ? "affected" : status,
      ...(reason === "" ? {} : { reason: oneLine(reason) }),
      saidAt: Date.parse(statement.timestamp ?? checked.data.timestamp ?? "") || 0,
      origin: `${file} statements[${index}]`,
    };
  });
}

function productOf(one: z.infer<typeof product>): VexProduct[] {
  const purl = purlOf(one);
  if (purl === undefined) return [];
  const components = (one.subcomponents ?? []).map(purlOf);
  const known = components.filter((part) => part !== undefined);
  // Parts that can't be named don't become "all of it".
  return components.length > 0 && known.length === 0 ? [] : [{ purl, components: known }];
}

function purlOf(one: z.infer<typeof component>): PackageUrl | undefined {
  return parsePurl(one.identifiers?.purl ?? one["@id"] ?? "");
}
