import type { Domid } from '@split-driver/abi'
import type { EmulatedPlatform } from './emulated-platform.js'
import type { Machine } from './machine.js'

/** What the code of a domain starts with. */
export interface ProgramContext {
  readonly platform: EmulatedPlatform
  /** What the starter passed on; in a worker, a structured clone of it. */
  readonly argument: unknown
  /** Aborts when the domain is asked to shut down: close in order, then return. */
  readonly signal: AbortSignal
}

/** The code of a domain. The domain halts when the promise is fulfilled; a rejection is a crash. */
export type Program = (context: ProgramContext) => Promise<void>

/** A program as a module that exports it by the name `program`; a worker can load it, too. */
export interface ProgramModule {
  /** URL of the module, such as `new URL('./guest.js', import.meta.url).href`. */
  readonly href: string
}

/** How a domain's code came to its end. */
export type ExitReport = { readonly how: 'halted' | 'killed' } | { readonly how: 'crashed'; readonly error: Error }

export const crashReport = (error: unknown): ExitReport => ({
  how: 'crashed',
  error: error instanceof Error ? error : new Error(String(error)),
})

/** A domain's code, running. */
export interface Vcpu {
  readonly exited: Promise<ExitReport>
  /** Asks the program to end, by its context's signal. */
  shutdown(): void
  /** Stops it wherever it is. Resolves when none of its code runs any more. */
  kill(): Promise<void>
}

export interface VcpuRequest {
  readonly machine: Machine
  readonly domid: Domid
  readonly program: Program | ProgramModule
  readonly argument?: unknown
  /** Message ports and buffers inside `argument` that move to the domain's thread. */
  readonly transfer?: readonly Transferable[]
}

/**
 * Starts a domain's code: `startInline` in this thread, `startWorkerThread` of `@split-driver/emulator/node` in a thread of
 * its own, for which the program must be a module and the machine's mode `threads`.
 * @throws TypeError if it is not
 */
export type StartVcpu = (request: VcpuRequest) => Vcpu
