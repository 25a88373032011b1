import { EngineError } from "./engine-error.ts";
import type { CallOptions, EngineHttp } from "./engine-http.ts";

/**
 * Whether the engine lets its clients speak with its own BuildKit: what buildx asks before it takes an engine for a builder
 * (buildx, `driver/docker/factory.go`). A proxy before it may not.
 */
export async function hasBuildKit(http: EngineHttp, options?: CallOptions): Promise<boolean> {
  try {
    const { response, socket } = await http.open({
      doing: "asking the Docker engine for its BuildKit",
      method: "POST",
      path: "/grpc",
      headers: { Connection: "Upgrade", Upgrade: "h2c" },
      ...options,
    });
    socket.destroy();
    return response.statusCode === 101;
  } catch (error) {
    if (error instanceof EngineError) return false;
    throw error;
  }
}
