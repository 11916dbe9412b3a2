/** Errors that nobody caught, as long as this is not disposed. */
export class StrayErrors implements Disposable {
  readonly errors: unknown[] = []
  readonly #note = (error: unknown): void => {
    this.errors.push(error)
  }

  constructor() {
    process.on('unhandledRejection', this.#note)
    process.on('uncaughtException', this.#note)
  }

  [Symbol.dispose](): void {
    process.off('unhandledRejection', this.#note)
    process.off('uncaughtException', this.#note)
  }
}
