import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import { join } from "node:path";
import { promisify } from "node:util";
import { ensureTools, freePort, temporaryFolder } from "@belay/testkit";

/** What the API server asks about (`admission.k8s.io/v1`, AdmissionReview), as far as the tests look at it. */
export interface Asked {
  readonly uid: string;
  readonly resource: { readonly resource: string };
  readonly dryRun?: boolean;
}

/** A text: it is refused, with this reason. `broken`: the answer is an error of the server (500). */
export type Answer = "allowed" | "broken" | { readonly refused: string };

/** A validating webhook of a cluster's owner: an HTTPS server on loopback, with a certificate of its own. */
export interface Webhook {
  /** `clientConfig` of a webhook's configuration. */
  readonly clientConfig: { readonly url: string; readonly caBundle: string };
  /** What it says from now on. */
  answer: (asked: Asked) => Answer;
  /** How often it was asked. */
  readonly count: number;
  /** Nothing listens any more, until {@link listen}. */
  hangUp(): Promise<void>;
  listen(): Promise<void>;
  stop(): Promise<void>;
}

export async function startWebhook(): Promise<Webhook> {
  const folder = await temporaryFolder("belay-webhook");
  const { openssl } = await ensureTools(["openssl"]);
  const names = { key: join(folder.path, "key.pem"), cert: join(folder.path, "cert.pem") };
  const files = ["-keyout", names.key, "-out", names.cert, "-days", "2"];
  const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await promisify(execFile)(openssl, ["req", "-x509", ...kind, ...files, ...subject]);
  const [key, cert] = await Promise.all([readFile(names.key), readFile(names.cert)]);
  const port = await freePort();
  let server: Server | undefined;
  let count = 0;
  const webhook: Webhook = {
    clientConfig: { url: `https://127.0.0.1:${port}/`, caBundle: cert.toString("base64") },
    answer: () => "allowed",
    get count() {
      return count;
    },
    hangUp: async () => {
      const old = server;
      server = undefined;
      if (old === undefined) return;
      const closed = new Promise((done) => old.close(done));
      old.closeAllConnections();
      await closed;
    },
    listen: async () => {
      const next = createServer({ key, cert }, (request, response) => {
        const parts: Buffer[] = [];
        request.on("data", (part: Buffer) => parts.push(part));
        request.once("end", () => {
          count += 1;
          const asked = (JSON.parse(Buffer.concat(parts).toString()) as { request: Asked }).request;
          const answer = webhook.answer(asked);
          response.writeHead(answer === "broken" ? 500 : 200, { "content-type": "application/json" });
          response.end(answer === "broken" ? "the injector restarts" : JSON.stringify(reviewOf(asked, answer)));
        });
      });
      await new Promise<void>((done, failed) => {
        next.once("error", failed);
        next.listen(port, "127.0.0.1", done);
      });
      server = next;
    },
    stop: async () => {
      await webhook.hangUp();
      await folder.remove();
    },
  };
  await webhook.listen();
  return webhook;
}

function reviewOf({ uid }: Asked, answer: Exclude<Answer, "broken">): object {
  const verdict = answer === "allowed" ? { allowed: true } : { allowed: false, status: { message: answer.refused } };
  return { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response: { uid, ...verdict } };
}
