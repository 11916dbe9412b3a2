import type { Domid } from '@split-driver/abi'
import type { TraceStep } from '../trace.js'
import type { ChromeEvent } from './chrome-event.js'
import type { LabelIndex } from './label-index.js'

/** The first thread's number. Viewers take a thread that is numbered like its process for its main thread. */
const FIRST_TID = 0x1_0000

/** One line of the picture: a process is a domain, a thread one of its ports or rings, its grants, or XenStore. */
export interface ChromeTrack {
  readonly pid: number
  readonly tid: number
  /** What is in its spans' names. */
  readonly label: string
}

/**
 * Gives each step its track. Process 0 and thread 0 mean the idle task to viewers, and Perfetto knows a thread by its number
 * alone: so domain 0 is process 1, and no two threads of a document have the same number.
 */
export class ChromeTracks {
  readonly #labels: LabelIndex
  readonly #tracks = new Map<string, ChromeTrack & { readonly name: string }>()
  readonly #domains = new Set<Domid>()

  constructor(labels: LabelIndex) {
    this.#labels = labels
  }

  trackOf(step: TraceStep): ChromeTrack {
    const { domid, fields } = step
    if ('ring' in fields) {
      const label = this.#labels.find(domid, 'ring', fields.ring) ?? `ring ${fields.ring}`
      return this.#track(domid, `ring ${fields.ring}`, `ring ${label}`, label)
    }
    if (step.name.startsWith('event.') && 'port' in fields) {
      const label = this.#labels.find(domid, 'port', fields.port)
      const name = `port ${fields.port}`
      return this.#track(domid, name, label === undefined ? name : `${name} ${label}`, label ?? name)
    }
    const [group] = step.name.split('.')
    const name = group === 'xenstore' ? 'XenStore' : group === 'grant' ? 'grants' : 'event channels'
    return this.#track(domid, name, name, name)
  }

  /** Names and order of all that were given out. */
  metadata(): ChromeEvent[] {
    const about = (name: string, pid: number, tid: number, args: ChromeEvent['args']): ChromeEvent => {
      return { name, cat: '__metadata', ph: 'M', ts: 0, pid, tid, args }
    }
    const processes = [...this.#domains].flatMap((domid) => [
      about('process_name', pidOf(domid), 0, { name: `domain ${domid}` }),
      about('process_sort_index', pidOf(domid), 0, { sort_index: domid }),
    ])
    const threads = [...this.#tracks.values()].flatMap(({ pid, tid, name }) => [
      about('thread_name', pid, tid, { name }),
      about('thread_sort_index', pid, tid, { sort_index: tid }),
    ])
    return [...processes, ...threads]
  }

  #track(domid: Domid, key: string, name: string, label: string): ChromeTrack {
    const known = this.#tracks.get(`${domid} ${key}`)
    if (known !== undefined) return known
    const track = { pid: pidOf(domid), tid: FIRST_TID + this.#tracks.size, name, label }
    this.#tracks.set(`${domid} ${key}`, track)
    this.#domains.add(domid)
    return track
  }
}

const pidOf = (domid: Domid): number => domid + 1
