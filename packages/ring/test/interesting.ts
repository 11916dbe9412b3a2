/** Where arithmetic on free-running u32 indices goes wrong: the ends, the sign, and one beside each. */
export const interestingIndices: readonly number[] = [
  0,
  1,
  2,
  31,
  32,
  33,
  2 ** 31 - 2,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 31 + 1,
  2 ** 32 - 33,
  2 ** 32 - 2,
  2 ** 32 - 1,
]

/** Where both ends of a ring start in most tests. */
export const firstIndices: readonly number[] = [0, 2 ** 31 - 2, 2 ** 32 - 2]
