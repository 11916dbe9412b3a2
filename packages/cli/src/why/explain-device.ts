import type { DeviceFacts } from './device-facts.js'
import { explainHandshake } from './explain-handshake.js'
import { explainBytes, explainRequests } from './explain-ring.js'

/** The domain whose devices they are. */
export interface DomainStanding {
  readonly domid: number
  /** As `xl list` prints it. */
  readonly state: string
  readonly shutdownReason?: string | undefined
}

/** What a device waits for, in a sentence or two. Whoever can do something about it is named first. */
export const explainDevice = (domain: DomainStanding, facts: DeviceFacts): string => {
  const standing = explainStanding(domain)
  const waiting = explainHandshake(facts) ?? explainChannel(facts) ?? explainRing(facts)
  return standing === undefined ? waiting : `${standing} ${waiting}`
}

const explainStanding = ({ domid, state, shutdownReason }: DomainStanding): string | undefined => {
  if (state.includes('d')) return `Domain ${domid} is being destroyed: nothing of it runs any more.`
  if (shutdownReason !== undefined) return `Domain ${domid} has shut down (${shutdownReason}): nothing of it runs.`
  if (state.includes('p')) return `Domain ${domid} is paused: nothing of it runs before it is unpaused.`
  return undefined
}

/** Two connected halves need one ring and one channel between them. */
const explainChannel = ({ ring, ringGrants, frontendPort, backend }: DeviceFacts): string | undefined => {
  if (frontendPort === undefined) return 'The frontend: the port that it published is not open.'
  if (frontendPort.is === 'unbound') {
    const who = backend === undefined ? 'the daemon' : `the backend in domain ${backend.domid}`
    return `The other end: port ${frontendPort.port} of domain ${frontendPort.domid} waits for ${who} to bind it.`
  }
  if (ring === undefined) return 'The frontend: what it published as its ring is no grant of pages of its own.'
  const unheld = ringGrants.find(({ holders }) => holders.length === 0)
  if (unheld !== undefined)
    return `The backend: nobody has the ring's page mapped (grant ${unheld.ref} of domain ${frontendPort.domid}).`
  return undefined
}

const explainRing = (facts: DeviceFacts): string => {
  const { ring } = facts
  if (ring === undefined) return 'Nothing that can be seen from outside.'
  return ring.kind === 'requests' ? explainRequests(ring, facts) : explainBytes(ring, facts)
}
