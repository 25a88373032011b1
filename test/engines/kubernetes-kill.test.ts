import { killSuite } from "../contract/kill-suite.ts";
import { openKubernetesStand } from "../contract/kubernetes-stand.ts";

killSuite("Kubernetes (existing workloads)", "kubernetes", openKubernetesStand);
