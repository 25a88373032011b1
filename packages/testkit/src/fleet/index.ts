export { type FleetOptions, type FleetShape, fleetObservation } from "./fleet-observation.ts";
