import { faultSuite } from "./fault-suite.ts";
import { openKubernetesFaults } from "./kubernetes-fault-stand.ts";

faultSuite("Kubernetes, manifests", () => openKubernetesFaults("manifests"));
