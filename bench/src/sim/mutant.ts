import type { EmulatedHost, TransferStore } from '@split-driver/emulator'
import type { Platform } from '@split-driver/platform'
import type { ViolationKind } from './violation.js'

/** One thing broken on purpose, to see that the checks find it. What it leaves out stays as it is. */
export interface Mutant {
  readonly name: string
  /** What it must be found by. */
  readonly kind: ViolationKind
  /** In place of a disk. */
  readonly disk?: (disk: TransferStore) => TransferStore
  /** In place of the platform that the block backend runs on. */
  readonly backendPlatform?: (platform: Platform) => Platform
  /** In place of a line that a guest means to write. */
  readonly line?: (line: string) => string
  /** Once, when the guests' work begins. */
  readonly atWork?: (host: EmulatedHost) => void
}

export const noMutant: Mutant = { name: 'none', kind: 'data' }
