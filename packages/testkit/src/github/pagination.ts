import type { Json } from "./json.ts";

const DEFAULT_PER_PAGE = 30;
const MOST_PER_PAGE = 100;

/** One page of a list, with the `Link` header that GitHub sends (empty when everything is on one page). */
export function paginate(
  all: readonly Json[],
  query: URLSearchParams,
  address: string,
  by: "page" | "after" = "page",
): { readonly items: readonly Json[]; readonly link: string } {
  const perPage = Math.min(MOST_PER_PAGE, Math.max(1, Number(query.get("per_page") ?? DEFAULT_PER_PAGE)));
  const page = Math.max(1, Number(query.get(by) ?? 1));
  const last = Math.max(1, Math.ceil(all.length / perPage));
  const to = (number: number, rel: string): string => {
    const url = new URL(address);
    url.searchParams.set(by, String(number));
    return `<${url.href}>; rel="${rel}"`;
  };
  const links = [
    ...(page > 1 ? [to(page - 1, "prev")] : []),
    ...(page < last ? [to(page + 1, "next"), to(last, "last")] : []),
    ...(page > 1 ? [to(1, "first")] : []),
  ];
  return { items: all.slice((page - 1) * perPage, page * perPage), link: links.join(", ") };
}
