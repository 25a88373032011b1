import { readFile } from "node:fs/promises";
import { BelayError, type Clock, messageOf, type Redactor } from "@belay/core";
import type { Credential } from "./exec-plugin.ts";

/** Credentials that come from elsewhere, and do not last. */
export interface CredentialSource {
  /** A credential that is good as far as one can know. */
  get(): Promise<Credential>;
  /** The API server has refused this one. Answers whether there may be another. */
  refused(credential: Credential): boolean;
}

/** A credential on its way to the API server must not expire there. */
const MARGIN_MS = 10_000;

/** A plugin is called once for all who ask meanwhile, and again when what it gave has expired or is refused. */
export class PluginSource implements CredentialSource {
  readonly #call: () => Promise<Credential>;
  readonly #clock: Clock;
  #held: { readonly credential: Credential; readonly until: number } | undefined;
  #pending: Promise<Credential> | undefined;

  constructor(call: () => Promise<Credential>, clock: Clock) {
    this.#call = call;
    this.#clock = clock;
  }

  async get(): Promise<Credential> {
    if (this.#held !== undefined && this.#clock.date().getTime() < this.#held.until) return this.#held.credential;
    this.#pending ??= this.#renew().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  async #renew(): Promise<Credential> {
    const credential = await this.#call();
    const { expiresAt = Number.POSITIVE_INFINITY } = credential;
    const early = expiresAt - MARGIN_MS;
    // One that does not last longer than that is used as long as it lasts.
    this.#held = { credential, until: early > this.#clock.date().getTime() ? early : expiresAt };
    return credential;
  }

  refused(credential: Credential): boolean {
    // Otherwise somebody else has found that out before, and there is another already.
    if (this.#held?.credential === credential) this.#held = undefined;
    return true;
  }
}

/** A token in a file, such as a pod's own account has: the kubelet writes a new one long before the old one expires. */
export class TokenFile implements CredentialSource {
  readonly #path: string;
  readonly #redactor: Redactor;

  constructor(path: string, redactor: Redactor) {
    this.#path = path;
    this.#redactor = redactor;
  }

  /** Reads the file each time: that costs less than a request by far. @throws BelayError ENGINE_FORBIDDEN */
  async get(): Promise<Credential> {
    const doing = `reading the token in ${this.#path}`;
    const next = "Check `tokenFile` of the kubeconfig's user, or the pod's account.";
    const text = await readFile(this.#path, "utf8").catch((error: unknown) => {
      throw new BelayError("ENGINE_FORBIDDEN", { doing, got: messageOf(error), next, cause: error });
    });
    const token = text.trim();
    if (token === "") throw new BelayError("ENGINE_FORBIDDEN", { doing, got: "the file is empty", next });
    this.#redactor.add(token);
    return { token };
  }

  refused(): boolean {
    return false;
  }
}
