import { killSuite } from "../contract/kill-suite.ts";
import { openManifestsStand } from "../contract/manifests-stand.ts";

killSuite("Kubernetes (manifests)", openManifestsStand);
