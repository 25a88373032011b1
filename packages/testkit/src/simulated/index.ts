export { SimulatedCompose } from "./simulated-compose.ts";
export { SimulatedEngine, type Traffic } from "./simulated-engine.ts";
export { type FleetSize, SimulatedFleet, type SimulatedInstance } from "./simulated-fleet.ts";
export { SimulatedKubernetes } from "./simulated-kubernetes.ts";
export { deploymentName, NAMESPACE } from "./simulated-objects.ts";
export { SimulatedSwarm, serviceName } from "./simulated-swarm.ts";
