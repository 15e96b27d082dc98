// Runs one piece of work at a time, and of those that were asked for meanwhile only the latest: what is typed or dragged
// asks faster than the kernel answers.

export class Latest<T> {
  #waiting: { readonly item: T } | null = null;
  #running = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly work: (item: T) => Promise<void>,
    private readonly delay = 0, // ms after the last call until the work begins
  ) {}

  ask(item: T): void {
    this.#waiting = { item };
    clearTimeout(this.#timer);
    if (this.delay > 0) this.#timer = setTimeout(() => void this.#run(), this.delay);
    else void this.#run();
  }

  // Drops what has not begun.
  cancel(): void {
    clearTimeout(this.#timer);
    this.#waiting = null;
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    while (this.#waiting) {
      const { item } = this.#waiting;
      this.#waiting = null;
      await this.work(item);
    }
    this.#running = false;
  }
}
