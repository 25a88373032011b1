import { openKubernetesStand } from "../contract/kubernetes-stand.ts";
import { contractSuite } from "../contract/suite.ts";

contractSuite("Kubernetes (existing workloads) passes the contract", openKubernetesStand);
