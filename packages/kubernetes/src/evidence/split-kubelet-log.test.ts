import { expect, test } from "vitest";
import { splitKubeletLog } from "./split-kubelet-log.ts";

const GONE = `unable to retrieve container logs for containerd://${"a1".repeat(32)}`;

test.each([
  ["nothing but the kubelet's words", GONE, { log: "", failure: GONE }],
  ["lines of the container before them", `one\ntwo\n${GONE}`, { log: "one\ntwo\n", failure: GONE }],
  [
    "a file that is gone",
    'failed to open log file "/var/log/pods/x/0.log": open /var/log/pods/x/0.log: no such file or directory',
    { log: "", failure: expect.stringContaining("failed to open log file") },
  ],
  ["the container's own line with the same words", `${GONE}\n`, { log: `${GONE}\n` }],
  ["a line that only ends with them", `retry: ${GONE}`, { log: `retry: ${GONE}` }],
  ["a line that the limit cut off", "listening on 80", { log: "listening on 80" }],
  ["nothing", "", { log: "" }],
])("an answer with %s", (_what, body, expected) => {
  expect(splitKubeletLog(body)).toEqual(expected);
});
