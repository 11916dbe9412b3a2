/**
 * One event of the Trace Event Format, as far as it is used here.
 * @see https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU "Trace Event Format"
 */
export interface ChromeEvent {
  readonly name: string
  /** Categories, by which a viewer can hide events. */
  readonly cat: string
  /** Begin and end of a slice of a thread; of an asynchronous span; an instant; metadata. */
  readonly ph: 'B' | 'E' | 'b' | 'e' | 'i' | 'M'
  /** Microseconds, with fractions. */
  readonly ts: number
  readonly pid: number
  readonly tid: number
  /** Of asynchronous events: those with the same category and id are one span. */
  readonly id?: string
  /** Of an instant: it belongs to its thread alone. */
  readonly s?: 't'
  readonly args: Readonly<Record<string, unknown>>
}

/** A whole document, in the format's object form. */
export interface ChromeTrace {
  readonly traceEvents: readonly ChromeEvent[]
  readonly displayTimeUnit: 'ns'
  readonly otherData: Readonly<Record<string, unknown>>
}
