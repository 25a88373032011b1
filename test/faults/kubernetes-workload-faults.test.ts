import { faultSuite } from "./fault-suite.ts";
import { openKubernetesFaults } from "./kubernetes-fault-stand.ts";

faultSuite("Kubernetes, existing workloads", () => openKubernetesFaults("existing workloads"));
