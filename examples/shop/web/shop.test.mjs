import assert from "node:assert/strict";
import { test } from "node:test";
import { price } from "./shop.mjs";

test("prices have two decimals and a currency", () => {
  assert.equal(price("carabiner"), "12.90 EUR");
  assert.equal(price("rope", "CHF"), "89.00 CHF");
});

test("an unknown article has no price", () => {
  assert.throws(() => price("parachute"), RangeError);
});
