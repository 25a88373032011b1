import { oneLine } from "@belay/core";
import { z } from "zod";
import { type PackageUrl, parsePurl } from "./purl.ts";
import type { VexProduct, VexStatement } from "./vex-statement.ts";

const text = z.string();

const product = z.object({
  product_id: text,
  product_identification_helper: z.object({ purl: text.optional() }).optional(),
});

interface Branch {
  readonly product?: z.infer<typeof product> | undefined;
  readonly branches?: readonly Branch[] | undefined;
}

const branch: z.ZodType<Branch> = z.lazy(() =>
  z.object({ product: product.optional(), branches: z.array(branch).optional() }),
);

const tree = z.object({
  branches: z.array(branch).optional(),
  full_product_names: z.array(product).optional(),
  relationships: z
    .array(
      z.object({
        category: text,
        product_reference: text,
        relates_to_product_reference: text,
        full_product_name: product,
      }),
    )
    .optional(),
});

const ids = z.array(text).optional();

const document = z.object({
  document: z.object({
    csaf_version: text.regex(/^2\./),
    tracking: z.object({ current_release_date: text.optional() }).optional(),
  }),
  product_tree: tree.optional(),
  vulnerabilities: z.array(
    z.object({
      cve: text.optional(),
      ids: z.array(z.object({ text })).optional(),
      product_status: z.object({ known_not_affected: ids, fixed: ids, known_affected: ids }).optional(),
      flags: z.array(z.object({ label: text })).optional(),
      threats: z.array(z.object({ category: text, details: text })).optional(),
    }),
  ),
});

type Tree = z.infer<typeof tree>;

/** Only these say that one product is part of another (CSAF 2.0, 3.2.2.5.1). */
const PART_OF = ["default_component_of", "installed_on", "installed_with"];

const STATUSES = [
  ["known_not_affected", "not_affected"],
  ["fixed", "fixed"],
  ["known_affected", "affected"],
] as const;

/** A CSAF 2 advisory or VEX. `undefined` for what is none. */
export function parseCsaf(value: unknown, file: string): readonly VexStatement[] | undefined {
  const checked = document.safeParse(value);
  if (!checked.success) return undefined;
  const products = productsOf(checked.data.product_tree);
  const saidAt = Date.parse(checked.data.document.tracking?.current_release_date ?? "") || 0;
  return checked.data.vulnerabilities.flatMap((one, index) => {
    const names = [one.cve, ...(one.ids ?? []).map((id) => id.text)].filter((name) => name !== undefined);
    const impact = one.threats?.filter((threat) => threat.category === "impact").map((threat) => threat.details) ?? [];
    const reason = oneLine([...(one.flags ?? []).map((flag) => flag.label), ...impact].join(": "));
    return STATUSES.map(
      ([list, status]): VexStatement => ({
        vulnerabilities: names,
        products: (one.product_status?.[list] ?? []).flatMap((id) => products.get(id) ?? []),
        status,
        ...(reason === "" ? {} : { reason }),
        saidAt,
        origin: `${file} vulnerabilities[${index}]`,
      }),
    ).filter((statement) => statement.products.length > 0);
  });
}

/** By product id: packages and images that have a package URL, and what is part of another. */
function productsOf(tree: Tree | undefined): ReadonlyMap<string, VexProduct[]> {
  const purls = new Map<string, PackageUrl>();
  for (const one of [...(tree?.full_product_names ?? []), ...(tree?.branches ?? []).flatMap(leavesOf)]) {
    const purl = parsePurl(one.product_identification_helper?.purl ?? "");
    if (purl !== undefined) purls.set(one.product_id, purl);
  }
  const products = new Map<string, VexProduct[]>();
  for (const [id, purl] of purls) products.set(id, [{ purl, components: [] }]);
  for (const relation of tree?.relationships ?? []) {
    const whole = purls.get(relation.relates_to_product_reference);
    const part = purls.get(relation.product_reference);
    if (!PART_OF.includes(relation.category) || whole === undefined || part === undefined) continue;
    const { product_id: id } = relation.full_product_name;
    products.set(id, [...(products.get(id) ?? []), { purl: whole, components: [part] }]);
  }
  return products;
}

function leavesOf(one: Branch): z.infer<typeof product>[] {
  return [...(one.product === undefined ? [] : [one.product]), ...(one.branches ?? []).flatMap(leavesOf)];
}
