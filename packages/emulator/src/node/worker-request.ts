import type { Domid } from '@split-driver/abi'
import type { AttachOptions } from '../attach-options.js'
import type { MachineHandle } from '../machine.js'
import type { ProgramModule } from '../program/vcpu.js'

/** What a domain's thread is started with. */
export interface WorkerRequest {
  readonly machine: MachineHandle
  readonly domid: Domid
  readonly program: ProgramModule
  readonly argument: unknown
  readonly attaching: AttachOptions
}
