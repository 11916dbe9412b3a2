import type { Domid } from '@split-driver/abi'
import type { AttachedDevice, DeviceOptions } from '@split-driver/xenbus'
import type { BuiltDomain } from '../building/domain-builder.js'
import type { EmulatedPlatform } from '../emulated-platform.js'
import type { Program, ProgramModule, Vcpu } from '../program/vcpu.js'
import type { DomainEnd } from './domain-lifecycle.js'
import type { GuestPlan, StartOptions } from './toolstack.js'

/** What a domain was started with, and would be again. */
export interface Launch {
  readonly program: Program | ProgramModule
  readonly options: StartOptions
}

/** A domain as its toolstack keeps it. */
export class KeptDomain {
  readonly plan: GuestPlan
  built: BuiltDomain
  readonly devices = new Map<AttachedDevice, DeviceOptions>()
  name: string
  uuid: string
  launch: Launch | undefined
  vcpu: Vcpu | undefined
  platform: EmulatedPlatform | undefined
  /** Under way, or done. */
  destruction: Promise<void> | undefined
  /** Fulfilled when it has stopped, or was destroyed, and its policy was carried out. */
  readonly ended: Promise<DomainEnd>
  /** Of a program that crashed. */
  error: Error | undefined
  /** None of its program's code runs any more. */
  hasExited = false
  /** It stopped by itself, and its policy is being carried out, or was. */
  isSettled = false
  #end: (end: DomainEnd) => void = () => {}
  #whenStopped: (() => void)[] = []

  constructor(plan: GuestPlan, built: BuiltDomain, uuid: string) {
    this.plan = plan
    this.built = built
    this.name = plan.name
    this.uuid = uuid
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  get domid(): Domid {
    return this.built.domid
  }

  /** Somebody's code has it. */
  get isStarted(): boolean {
    return this.vcpu !== undefined || this.platform !== undefined
  }

  describeEnd(reason: DomainEnd['reason']): DomainEnd {
    const { domid, name, error } = this
    return error ? { domid, name, reason, error } : { domid, name, reason }
  }

  /** Idempotent: the first reason counts. */
  end(reason: DomainEnd['reason']): void {
    this.#end(this.describeEnd(reason))
  }

  /** Calls back when it stops next, for whatever reason. @returns forgets that */
  onStopped(handler: () => void): () => void {
    this.#whenStopped.push(handler)
    return () => {
      this.#whenStopped = this.#whenStopped.filter((other) => other !== handler)
    }
  }

  tellStopped(): void {
    for (const handler of this.#whenStopped.splice(0)) handler()
  }
}
