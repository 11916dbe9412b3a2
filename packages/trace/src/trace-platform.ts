import type { Domid, GrantRef, SharedMemory } from '@split-driver/abi'
import type { EventChannels } from '@split-driver/evtchn'
import type { GrantMapper, GrantSharer } from '@split-driver/grant'
import type { Capabilities, Clock, Platform } from '@split-driver/platform'
import type { XenStore } from '@split-driver/xenbus'
import { DomainTracer } from './domain-tracer.js'
import type { TraceRecorder } from './trace-recorder.js'
import { TracedEventChannels } from './traced-event-channels.js'
import { TracedGrantMapper } from './traced-grant-mapper.js'
import { TracedGrantSharer } from './traced-grant-sharer.js'
import { TracedMemory } from './traced-memory.js'
import { TracedXenStore } from './traced-xenstore.js'

/** A platform whose steps go into a recorder; drivers cannot tell it from the one below. */
class TracedPlatform implements Platform {
  readonly domid: Domid
  readonly events: EventChannels
  readonly sharer: GrantSharer
  readonly mapper: GrantMapper
  readonly xenstore: XenStore
  readonly clock: Clock
  readonly supports: Capabilities
  readonly #below: Platform

  constructor(below: Platform, recorder: TraceRecorder) {
    const tracer = new DomainTracer(below.domid, below.clock, recorder)
    this.#below = below
    this.domid = below.domid
    this.clock = below.clock
    this.supports = below.supports
    this.events = new TracedEventChannels(below.events, tracer)
    this.sharer = new TracedGrantSharer(below.sharer, tracer)
    this.mapper = new TracedGrantMapper(below.mapper, tracer)
    this.xenstore = new TracedXenStore(below.xenstore, tracer)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#below[Symbol.asyncDispose]()
  }
}

/**
 * The same platform, with every step recorded: event channels, grants, the rings on shared and mapped pages, XenStore.
 * Works on any world. Without a recorder nothing is wrapped: what is returned is `platform` itself.
 */
export const tracePlatform = (platform: Platform, recorder: TraceRecorder | undefined): Platform =>
  recorder === undefined ? platform : new TracedPlatform(platform, recorder)

/**
 * Follows the ring on a page that its domain did not come by through `sharer` or `mapper`: the console page of start-of-day.
 * @param platform the domain's, traced or not
 * @param ref the reference under which the page is granted, such as GRANT_RESERVED_CONSOLE
 */
export const traceRing = (
  platform: Pick<Platform, 'domid' | 'clock'>,
  memory: SharedMemory,
  ref: GrantRef,
  recorder: TraceRecorder | undefined,
): SharedMemory => {
  if (recorder === undefined) return memory
  const tracer = new DomainTracer(platform.domid, platform.clock, recorder)
  return new TracedMemory(memory, tracer, platform.domid, ref)
}
