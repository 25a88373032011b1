import { Redactor } from "@belay/core";
import { createTestLog, type TestLog } from "@belay/testkit";
import type { Authenticator, Credentials } from "../authenticator.ts";
import { insecureRegistries } from "../insecure-registries.ts";
import { createRegistryClient, type RegistryClient, type RegistryClientOptions } from "../registry-client.ts";
import { SleeplessClock } from "./sleepless-clock.ts";

export interface TestClient {
  readonly client: RegistryClient;
  readonly clock: SleeplessClock;
  readonly log: TestLog;
  readonly redactor: Redactor;
  readonly auth: Authenticator;
}

/** A client with known credentials and a clock that does not wait. */
export function clientFor(credentials?: Credentials, more: Partial<RegistryClientOptions> = {}): TestClient {
  const redactor = new Redactor();
  const clock = new SleeplessClock();
  const log = createTestLog(redactor);
  const auth: Authenticator = {
    credentialsFor: async () => credentials,
    engineAuth: async () => credentials && { username: credentials.username, password: credentials.password },
  };
  const insecure = insecureRegistries();
  const client = createRegistryClient({ auth, redactor, log, clock, insecure, env: {}, random: () => 1, ...more });
  return { client, clock, log, redactor, auth };
}
