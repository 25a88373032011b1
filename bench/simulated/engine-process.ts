/** A simulated engine in a process of its own: `engine-process.ts <swarm|kubernetes> <services> <instances each> <socket>`. */
import { SimulatedFleet, SimulatedKubernetes, SimulatedSwarm } from "../../packages/testkit/src/simulated/index.ts";

const [kind, services, each, socket] = process.argv.slice(2);
const fleet = new SimulatedFleet({ services: Number(services), instancesPerService: Number(each) });
const engine = kind === "swarm" ? new SimulatedSwarm(fleet) : new SimulatedKubernetes(fleet);
const port = await engine.listen(kind === "swarm" ? socket : undefined);

process.on("message", (step: "roll" | "breathe" | "stand") => {
  if (step !== "stand") engine.step(step);
  process.send?.(engine.traffic);
});
process.send?.({ port });
