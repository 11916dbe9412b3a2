/** @throws RangeError unless an option is an integer from `least` to `most` */
export const assertCount = (name: string, count: number, least: number, most: number): void => {
  if (!Number.isInteger(count) || count < least || count > most)
    throw new RangeError(`${name} must be an integer from ${least} to ${most}, not ${count}`)
}
