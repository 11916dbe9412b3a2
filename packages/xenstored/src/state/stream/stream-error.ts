import { XenError } from '@split-driver/abi'

/** Where in a stream something makes no sense. */
export interface StreamPlace {
  /** Records are counted from 1; 0 is the stream's header. */
  readonly record: number
  /** Bytes from the stream's beginning. */
  readonly offset: number
  readonly field: string
}

/** EPROTO: the bytes are no stream that we understand. Its detail is a `StreamPlace`. */
export const streamError = (place: StreamPlace, problem: string): XenError =>
  new XenError('EPROTO', `state stream: record ${place.record}, byte ${place.offset}, ${place.field}: ${problem}`, {
    detail: { ...place },
  })
