import { createConnection, type Socket } from 'node:net'
import { XenError, type XenErrorCode } from '@split-driver/abi'
import * as v from 'valibot'
import { linesOf } from './lines-of.js'
import {
  type ArgumentsOf,
  answerSchema,
  type ControlAnswer,
  type OperationName,
  operations,
  type ResultOf,
} from './operations.js'

interface Waiting {
  readonly resolve: (answer: ControlAnswer) => void
  readonly reject: (error: Error) => void
}

/** A connection to a running `split-driver machine`. */
export class ControlClient implements Disposable {
  readonly path: string
  readonly #socket: Socket
  readonly #waiting = new Map<number, Waiting>()
  #lastId = 0
  #lost: Error | undefined

  /** @throws XenError ENOENT if no machine runs there, EACCES if we may not use it */
  static connect(path: string): Promise<ControlClient> {
    return new Promise((resolve, reject) => {
      const socket = createConnection(path, () => {
        socket.off('error', fail)
        resolve(new ControlClient(path, socket))
      })
      const fail = (error: NodeJS.ErrnoException): void => reject(unreachable(path, error))
      socket.once('error', fail)
    })
  }

  private constructor(path: string, socket: Socket) {
    this.path = path
    this.#socket = socket
    socket.on('error', () => undefined)
    void this.#receive()
  }

  /** @throws XenError as the machine answers; CLOSED if it ends before, EPROTO if its answer makes no sense */
  async request<Name extends OperationName>(name: Name, asked: ArgumentsOf<Name>): Promise<ResultOf<Name>> {
    if (this.#lost !== undefined) throw this.#lost
    const id = ++this.#lastId
    const answer = await new Promise<ControlAnswer>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#socket.write(`${JSON.stringify({ id, do: name, with: asked })}\n`)
    })
    if (!answer.ok) throw new XenError(answer.code as XenErrorCode, answer.message)
    const result = v.safeParse(operations[name].gives, answer.result)
    if (!result.success) throw new XenError('EPROTO', `the machine answers ${name} with something else`)
    return result.output as ResultOf<Name>
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }

  async #receive(): Promise<void> {
    try {
      for await (const line of linesOf(this.#socket)) this.#take(line)
      this.#end(new XenError('CLOSED', `the machine at ${this.path} has ended`))
    } catch (error) {
      if (XenError.is(error)) this.#end(error)
      else this.#end(new XenError('CLOSED', `the machine at ${this.path} has ended`, { cause: error }))
    }
  }

  #take(line: string): void {
    const answer = parsedAnswer(line)
    if (answer === undefined) throw new XenError('EPROTO', `${this.path} does not speak the machine's protocol`)
    this.#waiting.get(answer.id)?.resolve(answer)
    this.#waiting.delete(answer.id)
  }

  #end(error: Error): void {
    this.#lost = error
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
    this.#socket.destroy()
  }
}

const parsedAnswer = (line: string): ControlAnswer | undefined => {
  try {
    const { success, output } = v.safeParse(answerSchema, JSON.parse(line))
    return success ? output : undefined
  } catch {
    return undefined
  }
}

const unreachable = (path: string, error: NodeJS.ErrnoException): XenError => {
  const options = { cause: error, detail: { path } }
  if (error.code === 'EACCES' || error.code === 'EPERM')
    return new XenError('EACCES', `no permission for ${path}: run as the user of split-driver machine`, options)
  const advice = 'start one with split-driver machine, or name its socket with --socket'
  return new XenError('ENOENT', `no machine runs at ${path}: ${advice}`, options)
}
