import type { QuotaValues } from './quota-values.js'

/** What a server says of the memory that a domain takes. */
export type MemoryLevel = 'above-soft' | 'above-hard' | 'below-hard' | 'below-soft'

export interface MemoryAlarmOptions {
  /** Milliseconds. */
  readonly now: () => number
  readonly onMemory: (level: MemoryLevel) => void
}

/** A domain chooses when it crosses its quotas, so it must not choose how often that is said. @see domain.c */
const REST_MS = 10_000

/** Tells that a domain crosses its quotas of memory, either way; hardly more often than every ten seconds. */
export class MemoryAlarm {
  readonly #options: MemoryAlarmOptions
  #lastAt = Number.NEGATIVE_INFINITY
  #aboveSoft = false
  #aboveHard = false

  constructor(options: MemoryAlarmOptions) {
    this.#options = options
  }

  /** Something was refused because of the hard quota. */
  refused(): void {
    if (this.#aboveHard) return
    this.#aboveHard = true
    this.#tell('above-hard')
  }

  /** The domain uses so many bytes now. */
  look(used: number, { memory: hard, 'soft-memory': soft }: QuotaValues): void {
    const isAboveSoft = soft > 0 && used >= soft
    const isBelowHard = this.#aboveHard && (hard === 0 || used < hard)
    if (isAboveSoft === this.#aboveSoft && !isBelowHard) return
    if (this.#options.now() - this.#lastAt < REST_MS) return
    if (isBelowHard) {
      this.#aboveHard = false
      this.#tell('below-hard')
    }
    if (isAboveSoft === this.#aboveSoft) return
    this.#aboveSoft = isAboveSoft
    this.#tell(isAboveSoft ? 'above-soft' : 'below-soft')
  }

  #tell(level: MemoryLevel): void {
    this.#lastAt = this.#options.now()
    this.#options.onMemory(level)
  }
}
