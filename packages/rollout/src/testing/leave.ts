import type { SimRunner } from "./sim-world.ts";

/** What it deploys has no change of this service, nor has its way back. */
export function leave(left: string, { target }: SimRunner): void {
  const plan = target.plan.bind(target);
  const snapshot = target.snapshot.bind(target);
  target.snapshot = (all) =>
    snapshot({ ...all, services: all.services.filter(({ action }) => action !== "unchanged") });
  target.plan = async (...asked) => {
    const { services, ...rest } = await plan(...asked);
    const changes = services.map((one) => {
      if (one.service !== left || one.from === undefined) return one;
      return { ...one, action: "unchanged" as const, to: one.from };
    });
    return { ...rest, services: changes };
  };
}
