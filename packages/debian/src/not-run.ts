/** This machine lacks something: nothing was proven and nothing was refuted. The message says what, and what would help. */
export class NotRun extends Error {
  override readonly name = 'NotRun'
}
