import type { EventAnswer } from './event-model.js'
import type { EventCall, EventWorldShape } from './event-operation.js'
import type { ModelChannel } from './model-domain.js'

/** A port as its domain sees it. */
export interface ObservedPort extends Omit<ModelChannel, 'priority'> {
  readonly pending: boolean
  readonly masked: boolean
}

/** A hypervisor whose event channels are held against the model: domains without a port, all of their ports masked. */
export interface EventsUnderTest {
  readonly shape: EventWorldShape
  perform(call: EventCall): EventAnswer
  /** A field that does not apply is 0. */
  observe(domid: number, port: number): ObservedPort
  /** Is an upcall due on this vcpu? */
  isDue(domid: number, vcpu: number): boolean
}
