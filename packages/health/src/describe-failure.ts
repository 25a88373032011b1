import { messageOf } from "@belay/core";

/** Error codes of Node (`errno`, TLS, HTTP parser) as people say them. */
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "the connection was cut",
  EPIPE: "the connection was cut",
  ECONNABORTED: "the connection was cut",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no route to the network",
  ETIMEDOUT: "no answer to the attempt to connect",
  ENOTFOUND: "the host name is not known",
  EAI_AGAIN: "the host name could not be looked up",
  EPROTO: "the other side does not speak TLS here",
  ERR_SSL_WRONG_VERSION_NUMBER: "the other side does not speak TLS here",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "the other side does not speak TLS here",
  DEPTH_ZERO_SELF_SIGNED_CERT: "TLS: the certificate is self-signed",
  SELF_SIGNED_CERT_IN_CHAIN: "TLS: a certificate of the chain is self-signed",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "TLS: the certificate's issuer is not known",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "TLS: the certificate's issuer is not known",
  CERT_HAS_EXPIRED: "TLS: the certificate has expired",
  CERT_NOT_YET_VALID: "TLS: the certificate is not valid yet",
  ERR_TLS_CERT_ALTNAME_INVALID: "TLS: the certificate is for another name",
};

/** Why a connection or an answer failed, with the place that was asked. */
export function describeFailure(error: unknown, place: string): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code.startsWith("HPE_")) return `what ${place} answered is not HTTP (${code})`;
  const words = Object.hasOwn(WORDS, code) ? WORDS[code] : undefined;
  return words === undefined ? `${messageOf(error)} (${place})` : `${words} (${place})`;
}

/** `127.0.0.1:8080`, `[::1]:8080`. */
export function placeOf(host: string, port: number): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
