/** Prices in cents; what the pull requests of the example change. */
export const ARTICLES = { rope: 8_900, harness: 6_450, carabiner: 1_290 };
export const GREETING = "Welcome to the shop";

/** `12.90 EUR` */
export function price(article, currency = "EUR") {
  const cents = ARTICLES[article];
  if (cents === undefined) throw new RangeError(`no such article: ${article}`);
  return `${(cents / 100).toFixed(2)} ${currency}`;
}
