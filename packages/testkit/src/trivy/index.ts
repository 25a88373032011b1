export {
  type ImageFiles,
  type ImageLayout,
  type ImageSettings,
  type LayoutPlatform,
  makeImageLayout,
} from "./image-layout.ts";
export { pushTrivyDatabase } from "./push-database.ts";
export { SCAN_FILES } from "./scan-files.ts";
export { type TrivyAtHand, trivyAtHand } from "./trivy-at-hand.ts";
export { type TrivyDatabaseOptions, writeJavaDatabase, writeTrivyDatabase } from "./trivy-database.ts";
export { startTrivyServer, type TrivyServer } from "./trivy-server.ts";
