import type { Pod } from "../observe/pod.ts";

/**
 * Pods by uid. The API knows them by name only, so the first question about one lists them all; what does not change about a
 * pod any more is not asked for again.
 */
export class PodDirectory {
  readonly #list: () => Promise<readonly Pod[]>;
  readonly #known = new Map<string, Pod>();
  #listing: Promise<void> | undefined;

  constructor(list: () => Promise<readonly Pod[]>) {
    this.#list = list;
  }

  /** The pod, as new as `isEnough` asks for; `undefined` when there is none of that uid. */
  async find(uid: string, isEnough: (pod: Pod) => boolean = () => true): Promise<Pod | undefined> {
    const known = this.#known.get(uid);
    if (known !== undefined && isEnough(known)) return known;
    await this.#refresh();
    return this.#known.get(uid);
  }

  /** One list for all who ask meanwhile. */
  #refresh(): Promise<void> {
    this.#listing ??= this.#read().finally(() => {
      this.#listing = undefined;
    });
    return this.#listing;
  }

  async #read(): Promise<void> {
    const pods = await this.#list();
    this.#known.clear();
    for (const pod of pods) this.#known.set(pod.metadata.uid ?? "", pod);
  }
}
