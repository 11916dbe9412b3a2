import type { StepName } from '../step-fields.js'
import type { TraceStep } from '../trace.js'

/** A step that begins or ends something that lasts. */
export interface SpanEdge {
  readonly edge: 'begin' | 'end'
  /** The category of its events. */
  readonly category: string
  /** Fields that the two ends have in common, and no other span at the same time. */
  readonly joinedBy: readonly string[]
  /** What viewers call it, and by what Perfetto gathers spans into one track; after the track's label. */
  readonly title: string
}

const span = (
  begin: StepName,
  end: StepName,
  about: Omit<SpanEdge, 'edge'>,
): readonly (readonly [StepName, SpanEdge])[] => [
  [begin, { ...about, edge: 'begin' }],
  [end, { ...about, edge: 'end' }],
]

/** Spans overlap at will, so they are asynchronous ones: a port's deliveries, which cannot, are slices of their thread. */
const EDGES = new Map<StepName, SpanEdge>([
  ...span('ring.put-request', 'ring.take-response', {
    category: 'request',
    joinedBy: ['ring', 'id'],
    title: 'request',
  }),
  ...span('ring.take-request', 'ring.put-response', {
    category: 'service',
    joinedBy: ['ring', 'id'],
    title: 'service',
  }),
  ...span('grant.map', 'grant.unmap', { category: 'map', joinedBy: ['held'], title: 'mapped' }),
  ...span('grant.share', 'grant.unshare', { category: 'share', joinedBy: ['held'], title: 'shared' }),
  ...span('xenstore.request', 'xenstore.reply', { category: 'xenstore', joinedBy: ['call'], title: '' }),
  ...span('xenstore.transaction-start', 'xenstore.transaction-end', {
    category: 'transaction',
    joinedBy: ['transaction'],
    title: 'transaction',
  }),
])

export const spanEdgeOf = (name: StepName): SpanEdge | undefined => EDGES.get(name)

/** What the two ends of one span have in common, in their domain. */
export const spanKey = ({ category, joinedBy }: SpanEdge, { domid, fields }: TraceStep): string => {
  const values = fields as Readonly<Record<string, unknown>>
  return [category, domid, ...joinedBy.map((name) => values[name])].join(' ')
}

/** A span's name: which track, and what lasts; of a XenStore request, which one. */
export const spanTitle = ({ title }: SpanEdge, { fields }: TraceStep, label: string): string =>
  `${label} ${'operation' in fields ? fields.operation : title}`
