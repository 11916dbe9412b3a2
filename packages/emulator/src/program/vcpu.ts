import type { Domid } from '@split-driver/abi'
import type { AttachOptions } from '../attach-options.js'
import type { EmulatedPlatform } from '../emulated-platform.js'
import type { Resumption } from '../guest/guest-hypercalls.js'
import type { Machine } from '../machine.js'
import type { ShutdownRequest } from '../toolstack/domain-lifecycle.js'

/** What the code of a domain starts with. */
export interface ProgramContext {
  readonly platform: EmulatedPlatform
  /** What the starter passed on; in a worker, a structured clone of it. */
  readonly argument: unknown
  /** Aborts when the domain is asked to shut down: close in order, then return. */
  readonly signal: AbortSignal
  /** What it was asked for, once `signal` has aborted. The domain stops with that for its reason when the program returns. */
  readonly shutdownRequest: Exclude<ShutdownRequest, 'suspend'> | undefined
  /**
   * From now on the domain can be suspended: when its toolstack asks for that, `handler` puts in order what must be, calls
   * `suspend`, and goes on with what that brings. A rejection of its promise is a crash.
   */
  onSuspend(handler: (suspend: () => Promise<Resumption>) => Promise<void>): void
}

/**
 * The code of a domain. The domain shuts down when the promise is fulfilled; a rejection is a crash. What it returns before
 * the domain is unpaused, or after it was destroyed, nobody waits for.
 */
export type Program = (context: ProgramContext) => Promise<void>

/** A program as a module that exports it by the name `program`; a worker can load it, too. */
export interface ProgramModule {
  /** URL of the module, such as `new URL('./guest.js', import.meta.url).href`. */
  readonly href: string
}

/** How a domain's code came to its end. */
export type ExitReport =
  /** `reboot` if that is what it was asked for. */
  | { readonly how: 'halted'; readonly reason?: 'reboot' }
  | { readonly how: 'killed' }
  | { readonly how: 'crashed'; readonly error: Error }

export const crashReport = (error: unknown): ExitReport => ({
  how: 'crashed',
  error: error instanceof Error ? error : new Error(String(error)),
})

/** A domain's code, running. */
export interface Vcpu {
  readonly exited: Promise<ExitReport>
  /** Asks the program to end, by its context's signal, as a press of the power button does. */
  shutdown(): void
  /** Stops it wherever it is. Resolves when none of its code runs any more. */
  kill(): Promise<void>
  /** What its thread has worked, where that can be known: where the thread is its own. */
  readonly usage?: ThreadUsage
}

export interface ThreadUsage {
  /** Seconds of work until now. */
  cpuSeconds(): number
  /** It worked for more than half of the time since the last call. */
  isBusy(): boolean
}

export interface VcpuRequest {
  readonly machine: Machine
  readonly domid: Domid
  readonly program: Program | ProgramModule
  readonly argument?: unknown
  /** Message ports and buffers inside `argument` that move to the domain's thread. */
  readonly transfer?: readonly Transferable[]
  /** How the domain is attached, where it is not as the machine says. */
  readonly attaching?: AttachOptions
}

/**
 * Starts a domain's code: `startInline` in this thread, `startWorkerThread` of `@split-driver/emulator/node` in a thread of
 * its own, for which the program must be a module and the machine's mode `threads`.
 * @throws TypeError if it is not
 */
export type StartVcpu = (request: VcpuRequest) => Vcpu
