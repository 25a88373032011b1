import { killSuite } from "../contract/kill-suite.ts";
import { openManifestsStand } from "../contract/manifests-stand.ts";

// What two runners share is a cluster's, however it is changed: `kubernetes-kill.test.ts` shows that each time.
killSuite("Kubernetes (manifests)", "manifests", openManifestsStand, { oneRunner: true });
