/** A configuration that makes no sense: one line that names file, line and key, what was found and what was expected. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'

  /**
   * @param place `FILE:LINE`, or `FILE` where no line is to blame
   * @param problem what was found, and what was expected
   */
  constructor(place: string, problem: string, options?: ErrorOptions) {
    super(`${place}: ${problem}`, options)
  }
}
