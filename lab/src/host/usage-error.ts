/** A mistake in how the lab was called; the message says what there is instead. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
