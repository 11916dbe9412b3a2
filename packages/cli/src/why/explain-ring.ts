import type { ByteRingFacts, DeviceFacts, PortFacts, RequestRing } from './device-facts.js'

type Who = 'frontend' | 'backend'

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

/** What keeps one end from work that is there for it. */
const holdUp = (who: Who, port: PortFacts | undefined): string => {
  if (port === undefined) return `nobody can tell the ${who}, whose end of the event channel is closed`
  const place = `port ${port.port} of domain ${port.domid}`
  if (port.masked && port.pending)
    return `the ${who} is still at work on an earlier event (${place} is masked), and the next one is pending`
  if (port.masked) return `the ${who} is at work on an event (${place} is masked until its end of interrupt)`
  if (port.pending) return `domain ${port.domid} has not looked at the event on ${place}: it is busy, or does not run`
  return `the ${who} sleeps, and no event is pending for it: it was not notified`
}

/**
 * What is there to be taken, by the index at which the taker asked to be woken. A taker that is awake has not moved that index
 * yet: then this is too much, never too little.
 */
const untaken = (prod: number, event: number, limit: number): number => {
  const count = (prod - (event - 1)) | 0
  return Math.max(0, Math.min(count, limit))
}

/** What a ring of requests and responses waits for; both sides of it, if both do. */
export const explainRequests = (ring: RequestRing, facts: DeviceFacts): string => {
  const { reqProd, reqEvent, rspProd, rspEvent, slots = 2 ** 31 - 1, unanswered } = ring
  if (unanswered > slots)
    return `Nothing any more: the ring is broken. reqProd is ${reqProd} and rspProd ${rspProd}, on a ring of ${slots} slots.`
  const said: string[] = []
  const requests = untaken(reqProd, reqEvent, unanswered)
  const responses = untaken(rspProd, rspEvent, slots)
  if (unanswered > 0) said.push(explainUnanswered(unanswered, requests, facts.backendPort))
  if (responses > 0)
    said.push(
      `The frontend: up to ${plural(responses, 'response')} not taken; ${holdUp('frontend', facts.frontendPort)}.`,
    )
  return said.length > 0 ? said.join(' ') : 'Nothing: every request has its response, and every response was taken.'
}

const explainUnanswered = (unanswered: number, requests: number, port: PortFacts | undefined): string => {
  const what = plural(unanswered, 'request')
  // A backend that sleeps has said how far it has taken requests; so it works on those that it took.
  if (requests === 0)
    return `The backend's answer to ${what}: it has taken all of them, and waits for what lies behind it.`
  return `The backend: ${what} unanswered, ${requests} of them perhaps not taken; ${holdUp('backend', port)}.`
}

/** What a pair of byte streams waits for. */
export const explainBytes = (ring: ByteRingFacts, { backendPort, frontendPort }: DeviceFacts): string => {
  const { toBackend, toBackendBytes, toFrontend, toFrontendBytes } = ring
  if (toBackend > toBackendBytes || toFrontend > toFrontendBytes)
    return 'Nothing any more, until its indices make sense again: they lie further apart than the ring is long.'
  const full = toBackend === toBackendBytes ? ', which is all that it holds' : ''
  const said: string[] = []
  if (toBackend > 0)
    said.push(`The backend: ${plural(toBackend, 'byte')} not read${full}; ${holdUp('backend', backendPort)}.`)
  if (toFrontend > 0)
    said.push(`The frontend: ${plural(toFrontend, 'byte')} not read; ${holdUp('frontend', frontendPort)}.`)
  return said.length > 0 ? said.join(' ') : 'Nothing: all that was written has been read.'
}
