import { expect, it } from "vitest";
import { explainFailure, wantsJavaDatabase } from "./explain-failure.ts";

const fatal = (words: string): string =>
  `2026-03-01T12:00:00Z\tINFO\t[vuln] Vulnerability scanning is enabled\n2026-03-01T12:00:01Z\tFATAL\tFatal error\t${words}\n`;

/** As Trivy 0.72 writes them. */
it.each([
  [
    "cache_locked",
    "run error: init error: unable to initialize cache: cache may be in use by another process: timeout",
  ],
  ["timed_out", "run error: image scan error: scan error: scan failed: failed analysis: context deadline exceeded"],
  [
    "rate_limited",
    "run error: init error: DB error: failed to download vulnerability DB: OCI artifact error: GET http://r/v2/db/manifests/2: TOOMANYREQUESTS: slow down",
  ],
  ["rate_limited", "DB error: GET http://r/v2/db/manifests/2: unexpected status code 429 Too Many Requests"],
  ["unauthorised", "remote error: GET https://r/v2/a/manifests/sha256:0: UNAUTHORIZED: authentication required"],
  [
    "server_refused",
    "run error: image scan error: scan error: scan failed: failed analysis: unable to get missing layers: unable to fetch missing layers: backoff: permanent error (last error: twirp error unauthenticated: invalid token)",
  ],
  [
    "no_database",
    "run error: init error: DB error: database error: --skip-db-update cannot be specified on the first run",
  ],
  ["no_database", "init error: DB error: error in vulnerability DB initialize: invalid database"],
  ["no_database", "DB error: the version of DB schema doesn't match. Local DB: 3, Expected: 2"],
  [
    "image_not_found",
    "docker error: unable to inspect the image (sha256:0): Error response from daemon: No such image: a",
  ],
  ["image_not_found", "remote error: GET http://r/v2/a/manifests/sha256:0: MANIFEST_UNKNOWN: manifest unknown"],
  [
    "unreachable",
    "docker error: unable to inspect the image (sha256:0): failed to connect to the docker API at unix:///x",
  ],
  ["unreachable", "docker error: Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?"],
  ["unreachable", 'remote error: Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused'],
  ["unreachable", "remote error: GET http://r/v2/a: unexpected status code 503 Service Unavailable"],
  [
    "unusable_folder",
    "scan error: failed analysis: analyze error: walk error: failed to process the file: unable to open file: write /tmp/fanal-1: no space left on device",
  ],
  ["broken_image", "scan error: unable to open image.tar as a Docker image: unexpected EOF"],
  ["scanner_failed", "flag error: something that nobody has seen yet"],
])("%s: %s", (obstacle, words) => {
  expect(explainFailure(fatal(words))).toEqual({ obstacle, words: expect.stringContaining(words.slice(0, 40)) });
});

it("reads the end, not the warnings before it", () => {
  const warned = `2026-03-01T12:00:00Z\tWARN\tconnection refused, trying again\n${fatal("run error: DB schema")}`;
  expect(explainFailure(warned).obstacle).toBe("no_database");
});

it("has a word for silence, and none for colours", () => {
  expect(explainFailure("")).toEqual({ obstacle: "scanner_failed", words: "it said nothing" });
  expect(explainFailure("2026\t\u001b[31mFATAL\u001b[0m\tFatal error\trun error: x").words).toBe("run error: x");
});

it("knows when only the Java database is missing", () => {
  const words = "Java DB update failed: '--skip-java-db-update' cannot be specified on the first run";
  expect(wantsJavaDatabase(fatal(words))).toBe(true);
  expect(wantsJavaDatabase(fatal("--skip-db-update cannot be specified on the first run"))).toBe(false);
});
