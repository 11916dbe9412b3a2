/** Real Xen cannot be booted here: nothing was proven and nothing was refuted. The message says why and what would help. */
export class NotRun extends Error {
  override readonly name = 'NotRun'
}
