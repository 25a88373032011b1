/** A simulated engine in a process of its own: `engine-process.ts <swarm|kubernetes|compose> <services> <instances each> <socket>`. */
import {
  SimulatedCompose,
  SimulatedFleet,
  SimulatedKubernetes,
  SimulatedSwarm,
} from "../../packages/testkit/src/simulated/index.ts";
import { labelsOfRelease } from "./compose-fleet.ts";

const [kind = "", services, each, socket] = process.argv.slice(2);
const fleet = new SimulatedFleet({ services: Number(services), instancesPerService: Number(each) });
const engine =
  kind === "kubernetes"
    ? new SimulatedKubernetes(fleet)
    : kind === "compose"
      ? new SimulatedCompose(fleet, labelsOfRelease)
      : new SimulatedSwarm(fleet);
const port = await engine.listen(kind === "kubernetes" ? undefined : socket);

process.on("message", (step: "roll" | "breathe" | "stand") => {
  if (step !== "stand") engine.step(step);
  process.send?.(engine.traffic);
});
process.send?.({ port });
