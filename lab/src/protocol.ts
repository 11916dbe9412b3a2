/** What the host asks of the agent in dom0: one JSON object a line, over the machine's second serial port. */
export type Request =
  | { readonly ask: 'scenario'; readonly name: string; readonly limitSeconds: number; readonly ruinsDom0?: boolean }
  | { readonly ask: 'command'; readonly command: string; readonly limitSeconds: number }
  /** Sent every few seconds: an agent that hears nothing for long ends its machine, whose host is gone. */
  | { readonly ask: 'stay' }
  | { readonly ask: 'end' }

/** What a scenario reports while it runs; the agent passes it on. */
export type ScenarioEvent =
  | { readonly tell: 'check begins'; readonly what: string }
  | { readonly tell: 'check ends'; readonly what: string; readonly seconds: number; readonly failure?: string }
  | { readonly tell: 'figure'; readonly name: string; readonly value: number; readonly unit: string }
  | { readonly tell: 'not run'; readonly what: string; readonly reason: string }
  | { readonly tell: 'say'; readonly line: string }

/** What dom0 says. */
export type Report =
  | ScenarioEvent
  | { readonly tell: 'ready'; readonly versions: Versions }
  /** `clean` is false when dom0 is not as it was before: the next scenario needs a fresh one. */
  | { readonly tell: 'scenario ends'; readonly seconds: number; readonly failure?: string; readonly clean: boolean }
  | { readonly tell: 'output'; readonly text: string }
  | { readonly tell: 'command ends'; readonly code: number }

/** As the running machine itself says them. */
export interface Versions {
  readonly xen: string
  readonly linux: string
  readonly node: string
}

/** Longest line that either side accepts, in characters: what is longer is noise. */
export const maxLineLength = 1 << 20

export const encodeLine = (message: Request | Report) => `${JSON.stringify(message)}\n`

/** Cuts a byte stream into messages. A line that is none, such as noise of a starting serial port, is handed to `noise`. */
export class LineReader<Message extends Request | Report> {
  readonly #decoder = new TextDecoder()
  #pending = ''

  constructor(
    readonly onMessage: (message: Message) => void,
    readonly onNoise: (line: string) => void,
  ) {}

  push(bytes: Uint8Array) {
    this.#pending += this.#decoder.decode(bytes, { stream: true })
    const lines = this.#pending.split('\n')
    this.#pending = (lines.pop() ?? '').slice(-maxLineLength)
    for (const line of lines) this.#take(line)
  }

  #take(line: string) {
    const message = parse(line)
    if (message === undefined) this.onNoise(line)
    else this.onMessage(message as Message)
  }
}

/** A message is an object with one of the two keys; the two sides are built from one source, so no more is looked at. */
function parse(line: string): unknown {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && ('ask' in value || 'tell' in value) ? value : undefined
  } catch {
    return undefined
  }
}
