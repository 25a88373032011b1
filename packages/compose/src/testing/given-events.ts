import type { EngineEvent, EventQuery } from "@belay/docker";

/** An engine's stream of events, which are given by hand. */
export function givenEvents() {
  const pending: EngineEvent[] = [];
  let wake: () => void = () => undefined;
  async function* events({ signal, onOpened }: EventQuery): AsyncGenerator<EngineEvent> {
    onOpened?.();
    signal.addEventListener("abort", () => wake());
    while (!signal.aborted) {
      for (const event of pending.splice(0)) yield event;
      const more = Promise.withResolvers<void>();
      wake = more.resolve;
      if (pending.length === 0 && !signal.aborted) await more.promise;
    }
  }
  const give = (...more: EngineEvent[]): void => {
    pending.push(...more);
    wake();
  };
  return { events, give };
}

/** What the engine tells of a container. `at`: its time, ISO 8601. */
export function told(id: string, action: string, at: string, attributes: Readonly<Record<string, string>> = {}) {
  const ms = Date.parse(at);
  const event = { Type: "container", Action: action, time: Math.floor(ms / 1_000), timeNano: ms * 1e6 };
  return { ...event, Actor: { ID: id, Attributes: attributes } } satisfies EngineEvent;
}
