/** A daemon that serves until it is closed. */
export interface Daemon extends AsyncDisposable {
  /** Takes no more, lets what is under way end, closes everything in order. Idempotent. */
  close(): Promise<void>
  /** Resolves with the reason when the daemon cannot serve any longer, though nobody closed it. */
  readonly lost: Promise<Error>
}
