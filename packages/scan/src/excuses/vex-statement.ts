import { matchesPurl, type PackageUrl, parsePurl } from "./purl.ts";

/** A product that a statement speaks of: a package, or an image and the packages in it. */
export interface VexProduct {
  readonly purl: PackageUrl;
  /** Empty: all of it. */
  readonly components: readonly PackageUrl[];
}

/** What somebody said about a vulnerability in certain products (VEX: OpenVEX, CycloneDX or CSAF). */
export interface VexStatement {
  /** All names by which it goes. */
  readonly vulnerabilities: readonly string[];
  readonly products: readonly VexProduct[];
  /** `affected`: it is, or nobody knows yet. */
  readonly status: "not_affected" | "fixed" | "affected";
  /** Outside text. */
  readonly reason?: string;
  /** Milliseconds since 1970; a later statement replaces an earlier one. */
  readonly saidAt: number;
  readonly origin: string;
}

/** Package URLs of an image `ghcr.io/acme/shop@sha256:…` (purl-spec, type `oci`: the name is the path's last part). */
export function imagePurl(repository: string, digest: string | undefined): PackageUrl | undefined {
  const name = repository.split("/").at(-1)?.toLowerCase();
  if (!name) return undefined;
  const version = digest === undefined ? "" : `@${encodeURIComponent(digest)}`;
  return parsePurl(`pkg:oci/${encodeURIComponent(name)}${version}?repository_url=${encodeURIComponent(repository)}`);
}

/** Of the statements about this vulnerability in this package (or in this image as a whole), the last that was made. */
export function lastStatement(
  statements: readonly VexStatement[],
  about: {
    readonly names: readonly string[];
    readonly purl?: PackageUrl | undefined;
    readonly images: readonly PackageUrl[];
  },
): VexStatement | undefined {
  const fitting = statements.filter(
    (statement) =>
      statement.vulnerabilities.some((name) => about.names.includes(name)) &&
      statement.products.some((product) => isAbout(product, about.purl, about.images)),
  );
  return fitting.reduce<VexStatement | undefined>(
    (last, one) => (last === undefined || one.saidAt >= last.saidAt ? one : last),
    undefined,
  );
}

function isAbout(product: VexProduct, purl: PackageUrl | undefined, images: readonly PackageUrl[]): boolean {
  const among = product.components.length === 0 || isOneOf(product.components, purl);
  if (images.some((image) => matchesPurl(product.purl, image))) return among;
  return product.components.length === 0 && isOneOf([product.purl], purl);
}

function isOneOf(wanted: readonly PackageUrl[], purl: PackageUrl | undefined): boolean {
  return purl !== undefined && wanted.some((one) => matchesPurl(one, purl));
}
