import type { Socket } from 'node:net'
import { XenError } from '@split-driver/abi'
import * as v from 'valibot'
import { linesOf } from './lines-of.js'
import {
  type ArgumentsOf,
  type ControlAnswer,
  type ControlRequest,
  type OperationName,
  operations,
  type ResultOf,
  requestSchema,
} from './operations.js'

/** Who carries out what is asked. */
export type ControlHandlers = {
  readonly [Name in OperationName]: (asked: ArgumentsOf<Name>) => Promise<ResultOf<Name>> | ResultOf<Name>
}

/** Requests of one connection that are under way at a time; more are not read. */
const MOST_AT_ONCE = 64

/** One client of the control socket. What it sends that makes no sense ends its connection, and nothing else. */
export class ControlConnection {
  /** Resolves when the connection is done with; never rejects. */
  readonly done: Promise<void>
  readonly #socket: Socket
  readonly #handlers: Promise<ControlHandlers>
  readonly #underWay = new Set<Promise<void>>()

  /** @param handlers a machine that is still being made answers when it is there */
  constructor(socket: Socket, handlers: Promise<ControlHandlers>) {
    this.#socket = socket
    this.#handlers = handlers
    socket.on('error', () => undefined)
    this.done = this.#serve().catch(() => this.destroy())
  }

  destroy(): void {
    this.#socket.destroy()
  }

  async #serve(): Promise<void> {
    // Who has sent all and ended its half still waits for the answers.
    for await (const line of linesOf(this.#socket.iterator({ destroyOnReturn: false }))) {
      const request = parsedRequest(line)
      if (request === undefined) break
      const work = this.#answer(request).finally(() => this.#underWay.delete(work))
      this.#underWay.add(work)
      if (this.#underWay.size >= MOST_AT_ONCE) await Promise.race(this.#underWay)
    }
    await Promise.all(this.#underWay)
    this.#socket.destroySoon()
  }

  /** Never rejects. */
  async #answer(request: ControlRequest): Promise<void> {
    const { id } = request
    let answer: ControlAnswer
    try {
      answer = { id, ok: true, result: await this.#carryOut(request) }
    } catch (error) {
      answer = { id, ok: false, ...refusal(error) }
    }
    if (!this.#socket.destroyed) this.#socket.write(`${JSON.stringify(answer)}\n`)
  }

  async #carryOut(request: ControlRequest): Promise<unknown> {
    const { takes } = operations[request.do]
    const asked = v.safeParse(takes, request.with)
    if (!asked.success) throw new XenError('EPROTO', `${request.do}: ${placeOf(asked.issues[0])}`)
    // The schema that was just applied is the handler's own.
    const handler = (await this.#handlers)[request.do] as (asked: unknown) => unknown
    return handler(asked.output)
  }
}

const placeOf = (issue: v.BaseIssue<unknown>): string => {
  const path = v.getDotPath(issue)
  return path === null ? issue.message : `"${path}": ${issue.message}`
}

const parsedRequest = (line: string): ControlRequest | undefined => {
  try {
    const { success, output } = v.safeParse(requestSchema, JSON.parse(line))
    return success ? output : undefined
  } catch {
    return undefined
  }
}

const refusal = (error: unknown): { code: string; message: string } => {
  if (XenError.is(error)) return { code: error.code, message: error.message.replace(`${error.code}: `, '') }
  const message = error instanceof Error ? error.message : String(error)
  return { code: error instanceof TypeError || error instanceof RangeError ? 'EINVAL' : 'EIO', message }
}
