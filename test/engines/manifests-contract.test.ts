import { openManifestsStand } from "../contract/manifests-stand.ts";
import { contractSuite } from "../contract/suite.ts";

contractSuite("Kubernetes (manifests)", openManifestsStand);
