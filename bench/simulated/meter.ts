/** Processor time of this process, in milliseconds: a clock on the wall would measure the machine's other programs too. */
export class Meter {
  #begun = process.cpuUsage();
  total = 0;

  start(): void {
    this.#begun = process.cpuUsage();
  }

  /** Since the last start or lap. */
  lap(): number {
    const { user, system } = process.cpuUsage(this.#begun);
    this.start();
    this.total += (user + system) / 1_000;
    return (user + system) / 1_000;
  }

  reset(): void {
    this.total = 0;
  }

  async of<T>(work: () => Promise<T>): Promise<T> {
    this.start();
    const result = await work();
    this.lap();
    return result;
  }
}
