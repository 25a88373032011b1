import { describe, expect, it } from "vitest";
import { parseOutbound } from "./open-connections.ts";

const HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
const REST = "00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0\n";
const socket = (local: string, remote: string, state: string): string => `   0: ${local} ${remote} ${state} ${REST}`;
const own = new Set(["172.18.0.3"]);
/** 172.18.0.3 and 172.18.0.2, port 8080. */
const LISTEN = socket("00000000:1F90", "00000000:0000", "0A");

describe("connections that a container opened", () => {
  it.each([
    ["to a database", socket("030012AC:B5F2", "020012AC:1538", "01"), 1],
    [
      "of a program with IPv6 sockets",
      socket("0000000000000000FFFF0000030012AC:B5F2", "0:1538".padStart(37, "0"), "01"),
      1,
    ],
    ["that others opened to it", socket("030012AC:1F90", "020012AC:B5F2", "01"), 0],
    ["in another network", socket("030013AC:B5F2", "020013AC:1538", "01"), 0],
    ["within itself", socket("0100007F:B5F2", "0100007F:1538", "01"), 0],
    ["within itself, version 6", socket(`${"0".repeat(24)}01000000:B5F2`, `${"0".repeat(24)}01000000:1538`, "01"), 0],
    ["that are over", socket("030012AC:B5F2", "020012AC:1538", "06"), 0],
  ])("%s", (_, line, count) => {
    expect(parseOutbound(HEAD + LISTEN + line, own)).toBe(count);
  });
});
