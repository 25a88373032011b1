/**
 * Where one push has put its blobs. Images of one application share most of their layers: each goes over the network
 * once per registry, and into the other repositories by a mount.
 */
export class SharedBlobs {
  readonly #places = new Map<string, { readonly repository: string; readonly done: Promise<void> }>();

  /**
   * Runs `put` with the repositories that have the blob; waits first for whoever is bringing it at the moment.
   * `key`: the registry and the digest.
   */
  async put(key: string, repository: string, put: (from: readonly string[]) => Promise<void>): Promise<void> {
    const known = this.#places.get(key);
    if (known === undefined) {
      const done = put([]);
      this.#places.set(key, { repository, done });
      return done;
    }
    // When it failed there, it is tried here too, and tells itself what is wrong.
    const there = await known.done.then(
      () => true,
      () => false,
    );
    await put(there && known.repository !== repository ? [known.repository] : []);
  }
}
