import { connect } from "node:net";
import type { Probe } from "@belay/core";
import { describeFailure, placeOf } from "./describe-failure.ts";
import type { ProbeContext, ProbeResult } from "./probe.ts";

type TcpCheck = Extract<Probe["check"], { kind: "tcp" }>;

/** Connects and hangs up. */
export function askTcp({ host, port }: TcpCheck, { address, signal }: ProbeContext): Promise<ProbeResult> {
  const at = address ?? host;
  if (at === "") return Promise.resolve({ ok: false, detail: `port ${port} of which host? The probe names none.` });
  return new Promise((resolve) => {
    const socket = connect({ host: at, port, signal });
    const end = (result: ProbeResult): void => {
      socket.destroy();
      resolve(result);
    };
    socket.once("connect", () => end({ ok: true, detail: `connected to ${placeOf(at, port)}` }));
    socket.on("error", (error) => end({ ok: false, detail: describeFailure(error, placeOf(at, port)) }));
  });
}
