import { isNotFound, type SwarmNode } from "@belay/docker";
import type { TargetState } from "../target-state.ts";

/** `undefined`: there is nobody to ask. */
export type Availability = "yes" | "no" | "cannot tell" | undefined;

/** Which images can be had, each asked for once. */
export class ImageBook {
  readonly #state: TargetState;
  readonly #nodes: readonly SwarmNode[];
  readonly #answers = new Map<string, Promise<Availability>>();

  constructor(state: TargetState, nodes: readonly SwarmNode[]) {
    this.#state = state;
    this.#nodes = nodes;
  }

  /** Begins to find out about all of these, at once. */
  async ask(images: readonly string[]): Promise<void> {
    await Promise.all(images.map((image) => this.availability(image)));
  }

  availability(image: string): Promise<Availability> {
    const known = this.#answers.get(image) ?? this.#find(image);
    this.#answers.set(image, known);
    return known;
  }

  /** On a swarm of one node, what that node has is enough. */
  async #find(image: string): Promise<Availability> {
    const alone = this.#nodes.length === 1 && this.#nodes[0]?.ID === this.#state.node;
    if (alone && (await this.#isHere(image))) return "yes";
    return this.#state.options.imageAvailable?.(image);
  }

  async #isHere(image: string): Promise<boolean> {
    try {
      await this.#state.docker.images.inspect(image);
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }
}
