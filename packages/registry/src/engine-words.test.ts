import { describe, expect, it } from "vitest";
import { engineWords } from "./engine-words.ts";

const NOW = new Date("2026-01-01T00:00:00Z");
const CONTAINERD = 'failed to push 127.0.0.1:5000/shop: failed commit on ref "layer": unexpected status from';

describe("what an engine says of a push that failed", () => {
  it.each([
    ["received unexpected HTTP status: 502 Bad Gateway", "passing", 502],
    ["Received unexpected HTTP status: 503", "passing", 503],
    ['failed commit on ref "layer-sha256:11": unexpected status: 500 Internal Server Error', "passing", 500],
    [`${CONTAINERD} PUT request to https://127.0.0.1:5000/v2/shop/manifests/x: 504 Gateway Time-out`, "passing", 504],
    ["unexpected status code https://127.0.0.1:5000/v2/shop/manifests/x: 408 Request Timeout", "passing", 408],
    ["HTTP status 502 without a message", "passing", undefined],
    ["toomanyrequests: Too Many Requests (HAP429).", "limited", 429],
    ["toomanyrequests: ", "limited", 429],
    ["errors:\ntoomanyrequests: slow down\ntoomanyrequests: slow down\n", "limited", 429],
    [`${CONTAINERD} HEAD request to https://127.0.0.1:5000/v2/shop/blobs/x: 429 Too Many Requests`, "limited", 429],
    ['error parsing HTTP 429 response body: unexpected end of JSON input: ""', "limited", 429],
    ["toomanyrequests: access from this address is denied for a minute", "limited", 429],
    ["error parsing HTTP 400 response body: invalid character '<': \"<html>unexpected status: 502\"", "lasting", 400],
    [`${CONTAINERD} POST request to https://127.0.0.1:5000/token: 401 Unauthorized`, "refused", 401],
    ["denied: requested access to the resource is denied", "refused", undefined],
    ['Put "https://x/v2/": net/http: TLS handshake timeout', "passing", undefined],
    ['Get "https://x/v2/": EOF', "passing", undefined],
    ["blob upload unknown: blob upload unknown to registry", "passing", undefined],
  ] as const)("is read of %j: %s, status %s", (message, kind, status) => {
    expect(engineWords(message, NOW)).toMatchObject({ kind, status });
  });

  it.each([
    "manifest invalid: the layer has 502 bytes, not 512",
    "name invalid: 127.0.0.1:500/shop:sha-500",
    "tag invalid: acme/shop:503",
    "size invalid: expected 429, got 408",
    "unknown: build 5xx: code 599",
    "error parsing HTTP 404 response body: invalid character '<': \"<html>gateway timeout 504</html>\"",
  ])("takes no other number for a status: %j", (message) => {
    expect(engineWords(message, NOW).kind).toBe("lasting");
  });

  it.each([
    ["toomanyrequests: retry-after: 985.86µs, allowed: 44000/minute", 0.98586],
    ["toomanyrequests: retry-after: 1m2.5s, allowed: 44000/minute", 62_500],
    ["toomanyrequests: retry-after: 250ms", 250],
    ["toomanyrequests: Retry-After: 30", 30_000],
    [`${CONTAINERD} PUT request to https://x: 429 Too Many Requests (Retry-After: 2026-01-01T00:00:45Z)`, 45_000],
    [`${CONTAINERD} PUT request to https://x: 429 Too Many Requests (Retry-After: 2025-12-31T23:00:00Z)`, 0],
    ["toomanyrequests: retry-after: soon", undefined],
    ["toomanyrequests: slow down", undefined],
  ])("tells the pause that the registry asks for: %j", (message, pauseMs) => {
    const { retryAfterMs } = engineWords(message, NOW);
    if (pauseMs === undefined) expect(retryAfterMs).toBeUndefined();
    else expect(retryAfterMs).toBeCloseTo(pauseMs, 6);
  });
});
