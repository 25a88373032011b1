import type { TcpProxy } from "@belay/testkit";

/** Cuts every connection that is open, as a load balancer that is reloaded does. New ones work. */
export function cutOnce(network: TcpProxy): void {
  network.cut();
  network.heal();
}
