import { readFile, writeFile } from "node:fs/promises";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { createServer, type TLSSocket } from "node:tls";
import { createRunner, Redactor } from "@belay/core";
import { type TemporaryFolder, temporaryFolder } from "@belay/testkit";

/** An engine's socket behind TLS, for whoever has the client's certificate. */
export interface TlsDoor extends AsyncDisposable {
  /** `tcp://127.0.0.1:PORT` */
  readonly host: string;
  /** Folder with `ca.pem`, `cert.pem` and `key.pem`, as `DOCKER_CERT_PATH` wants it. */
  readonly certificates: string;
  /** Clients that came with a certificate so far. */
  clients(): number;
}

/** As `dockerd --tlsverify` does it. `socket`: the engine's path. */
export async function startTlsDoor(socket: string): Promise<TlsDoor> {
  const folder = await temporaryFolder("belay-tls");
  const path = (name: string): string => join(folder.path, name);
  await makeCertificates(folder);
  const [ca, cert, key] = await Promise.all(
    ["ca.pem", "server.pem", "server-key.pem"].map((one) => readFile(path(one))),
  );
  let clients = 0;
  const open = new Set<TLSSocket>();
  const server = createServer({ ca, cert, key, requestCert: true, rejectUnauthorized: true }, (near) => {
    clients++;
    open.add(near);
    const far = connect(socket);
    near.pipe(far).pipe(near);
    near.on("error", () => far.destroy()).on("close", () => open.delete(near));
    far.on("error", () => near.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    certificates: folder.path,
    clients: () => clients,
    [Symbol.asyncDispose]: async () => {
      for (const one of open) one.destroy();
      await new Promise((resolve) => server.close(resolve));
      await folder.remove();
    },
  };
}

async function makeCertificates({ path: folder }: TemporaryFolder): Promise<void> {
  const openssl = async (...args: readonly string[]): Promise<void> => {
    await createRunner(new Redactor())("openssl", args, { cwd: folder, deadlineMs: 60_000 });
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  await openssl("req", "-x509", ...key, "-keyout", "ca-key.pem", "-out", "ca.pem", "-subj", "/CN=ca", "-days", "2");
  await writeFile(join(folder, "server.ext"), "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n");
  await writeFile(join(folder, "client.ext"), "extendedKeyUsage=clientAuth\n");
  for (const [role, file, keyFile] of [
    ["server", "server.pem", "server-key.pem"],
    ["client", "cert.pem", "key.pem"],
  ] as const) {
    await openssl("req", ...key, "-keyout", keyFile, "-out", `${role}.csr`, "-subj", `/CN=${role}`);
    const issuer = ["-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial"];
    await openssl(
      "x509",
      "-req",
      "-in",
      `${role}.csr`,
      ...issuer,
      "-out",
      file,
      "-days",
      "2",
      "-extfile",
      `${role}.ext`,
    );
  }
}
