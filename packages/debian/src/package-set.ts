import type { Apt } from './apt.js'

/** What somebody wants of Debian. Each set has a folder of its own; packages of two sets never meet. */
export interface PackageSet {
  /** What the packages are for, for the reason that is given when they cannot be had. */
  readonly purpose: string
  /** Raise it when other packages are wanted, or other parts of them: what was unpacked before is then fetched anew. */
  readonly generation: number
  /** Of free space, for the packages and what they unpack to. */
  readonly neededBytes: number
  /** Parts that are not unpacked, as patterns of tar that begin with `./`. */
  readonly unwanted: readonly string[]
  /** Names of packages, after the lists were fetched; what they depend on comes by itself. */
  wanted(apt: Apt): Promise<readonly string[]>
}
