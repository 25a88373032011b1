import { type IncomingMessage, type RequestOptions, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP } from "node:net";
import { oneLine, type Probe, truncate } from "@belay/core";
import { describeFailure, placeOf } from "./describe-failure.ts";
import type { ProbeContext, ProbeResult } from "./probe.ts";

type HttpCheck = Extract<Probe["check"], { kind: "http" }>;

/** Text of the body that is kept for the detail. */
const KEPT = 200;
/** A longer answer than this has proven that the service answers; the rest is not read. */
const READ_BYTES = 64 * 1024;

/** GETs the URL on a new connection. Redirects are not followed: they are the status that came back. */
export function askHttp(check: HttpCheck, context: ProbeContext): Promise<ProbeResult> {
  const target = readTarget(check.url, context.address);
  if (target === undefined) return Promise.resolve({ ok: false, detail: `${check.url} names no host` });
  const place = placeOf(target.host, target.port);
  const send = target.secure ? requestHttps : requestHttp;
  return new Promise((resolve) => {
    let seen: IncomingMessage | undefined;
    const fail = (error: unknown): void => {
      const cut = seen === undefined ? "" : ` in the middle of the answer (status ${seen.statusCode})`;
      resolve({ ok: false, detail: `${describeFailure(error, place)}${cut}` });
    };
    const request = send({ ...target.options, agent: false, signal: context.signal }, (response) => {
      seen = response;
      read(response, fail, (body) => {
        request.destroy();
        resolve(judge(check, response, body));
      });
    });
    request.on("error", fail);
    request.end();
  });
}

interface HttpTarget {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  readonly options: RequestOptions & { servername?: string };
}

/** `undefined` when neither the URL nor an address says whom to ask. */
function readTarget(text: string, address: string | undefined): HttpTarget | undefined {
  const hostless = /^https?:\/\/(?=[:/?#]|$)/i.test(text);
  if (hostless && address === undefined) return undefined;
  const url = new URL(hostless ? text.replace("://", "://instance") : text);
  const named = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const host = address ?? named;
  const secure = url.protocol === "https:";
  const port = Number(url.port || (secure ? 443 : 80));
  const name = hostless ? host : named;
  const headers = { host: hostless ? placeOf(host, port) : url.host, "user-agent": "belay-probe", accept: "*/*" };
  const path = `${url.pathname}${url.search}`;
  // TLS asks for the name that the URL gives, whatever address the instance has.
  const servername = secure && isIP(name) === 0 ? { servername: name } : {};
  return { host, port, secure, options: { host, port, path, method: "GET", headers, ...servername } };
}

function read(response: IncomingMessage, fail: (error: unknown) => void, done: (body: string) => void): void {
  let bytes = 0;
  let text = "";
  response.setEncoding("utf8");
  response.on("error", fail);
  response.on("end", () => done(text));
  response.on("data", (chunk: string) => {
    bytes += chunk.length;
    // A cut text stays the same, whatever comes after it.
    text = truncate(text + chunk, KEPT);
    if (bytes > READ_BYTES) done(text);
  });
}

function judge({ statuses }: HttpCheck, response: IncomingMessage, body: string): ProbeResult {
  const status = response.statusCode ?? 0;
  if (statuses.includes(status)) return { ok: true, detail: `status ${status}` };
  const wanted = `wanted ${describeStatuses(statuses)}`;
  const said = oneLine(body, KEPT);
  const { location } = response.headers;
  if (status >= 300 && status < 400 && location !== undefined) {
    return {
      ok: false,
      detail: `status ${status} to ${oneLine(location, 100)}; redirects are not followed, ${wanted}`,
    };
  }
  return { ok: false, detail: `status ${status}, ${wanted}${said === "" ? "" : `: ${said}`}` };
}

/** `2xx, 304`. */
function describeStatuses(statuses: readonly number[]): string {
  const left = new Set(statuses);
  const parts: string[] = [];
  for (const hundred of [1, 2, 3, 4, 5]) {
    const all = Array.from({ length: 100 }, (_, index) => hundred * 100 + index);
    if (!all.every((status) => left.has(status))) continue;
    for (const status of all) left.delete(status);
    parts.push(`${hundred}xx`);
  }
  return [...parts, ...left].join(", ");
}
