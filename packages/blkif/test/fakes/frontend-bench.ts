import { type Domid, FlatMemory, PAGE_BYTES } from '@split-driver/abi'
import { type BlkifAbi, emptyFrontendStats, NATIVE_ABI, segmentLayout, TransferEngine } from '@split-driver/blkif'
import { BackRing, FrontRing } from '@split-driver/ring'
import { FakeGrants } from './fake-grants.js'

export const BACKEND = 0 as Domid

export interface FrontendBenchOptions {
  readonly abi?: BlkifAbi
  readonly ringPages?: number
  /** That there are. */
  readonly freePages?: number
  /** That may be used. */
  readonly dataPages?: number
  readonly sectorBytes?: number
  /** Above 11: the backend takes indirect requests. */
  readonly maxSegments?: number
}

interface RawResponse {
  readonly id: bigint
  readonly operation: number
  readonly status: number
}

/** A frontend's engine before a ring whose backend is the test. */
export const frontendBench = (options: FrontendBenchOptions = {}) => {
  const { abi = NATIVE_ABI, ringPages = 1, freePages = 32 * 11, dataPages = Infinity } = options
  const { sectorBytes = 512, maxSegments = 11 } = options
  const memory = FlatMemory.allocate(ringPages * PAGE_BYTES)
  const grants = new FakeGrants(freePages)
  const stats = emptyFrontendStats()
  const failed: [number, number][] = []
  let notifications = 0
  const engine = new TransferEngine({
    ring: FrontRing.initialise(memory, abi.slotBytes),
    abi,
    sharer: grants,
    backendDomid: BACKEND,
    handle: 0xca00,
    sectorBytes,
    maxSegments,
    dataPages,
    stats,
    notify: () => {
      notifications++
    },
    onFailedRequest: (operation, status) => failed.push([operation, status]),
  })
  const ring = BackRing.attach(memory, abi.slotBytes)
  /** Takes the words of all requests that wait. */
  const slots = () =>
    Array.from({ length: ring.unconsumedRequests() }, () => {
      const words = new Int32Array(abi.request.words)
      ring.copyRequest(words, 0, 0, words.length)
      ring.consumeRequest()
      return words
    })
  return {
    engine,
    slots,
    ring,
    memory,
    grants,
    stats,
    failed,
    abi,
    notifications: () => notifications,
    /** Takes all requests that wait. */
    requests: () =>
      slots().map((words) => {
        const request = abi.request.read(words)
        return { ...request, seg: request.seg.slice(0, request.nr_segments) }
      }),
    /** As `requests`, of which all are indirect; segments are read from the pages that they name. */
    indirectRequests: () =>
      slots().map((words) => {
        const request = abi.indirect.read(words)
        const seg = Array.from({ length: request.nr_segments }, (_, i) => {
          const page = grants.pageBytes(request.indirect_grefs[Math.floor(i / 512)]!.gref)
          const at = (i % 512) * segmentLayout.bytes
          const [gref = 0, sectors = 0] = new Int32Array(page.slice(at, at + segmentLayout.bytes).buffer)
          return { gref, first_sect: sectors & 0xff, last_sect: (sectors >> 8) & 0xff }
        })
        return { ...request, seg }
      }),
    /** As `requests`, of which all are discards. */
    discards: () => slots().map((words) => abi.discard.read(words)),
    /** Asks to be woken by the next request. */
    sleep: () => ring.finalCheckForRequests(),
    respond: (...responses: readonly RawResponse[]) => {
      for (const response of responses) ring.putResponse(abi.response.create(response), 0, 3)
      return ring.pushResponses()
    },
  }
}
