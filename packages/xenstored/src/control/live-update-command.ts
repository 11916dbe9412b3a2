import type { Clock, Timer } from '@split-driver/platform'
import { encodeMessage, okBody, type WireError, XenStoreOp } from '@split-driver/xenbus'
import type { Client } from '../client/client.js'
import { decimal } from '../requests/arguments.js'
import type { SaveOptions } from '../state/save-server.js'
import { LATEST_VERSION } from '../state/stream/records.js'
import type { XenstoreServer } from '../xenstore-server.js'
import type { ControlCommand, ControlExchange } from './control-command.js'

export interface SuccessorProgram {
  readonly file: string
  /** Its arguments; ours unless given. */
  readonly commandLine: string | undefined
}

/** What can put another program in the place of this one, in the same process and with the same connections. */
export interface Successor {
  readonly clock: Clock
  /** @returns why the file is of no use, if it is not */
  problemOf(file: string): string | undefined
  /** Saves, and becomes the program: returns only by throwing, and then all is as before. */
  become(program: SuccessorProgram, save: (options: SaveOptions) => Uint8Array): never
}

export interface LiveUpdateOptions {
  readonly successor: Successor
  /** The server that is replaced; asked for once it serves. */
  readonly server: () => Pick<XenstoreServer, 'save' | 'yieldTo'>
}

/** Between looks at whether transactions have ended. */
const LOOK_MS = 20

interface Session {
  readonly client: Client
  readonly file: string
  commandLine?: string
  timer?: Timer
}

interface Start {
  readonly exchange: ControlExchange
  readonly timeoutMs: number
  readonly force: boolean
  readonly version: number | undefined
}

/** `live-update`: another program goes on with all that this server has, and no client notices. @see xen/tools/xenstored/lu.c */
export const liveUpdateCommand = (options: LiveUpdateOptions): ControlCommand => {
  const update = new LiveUpdate(options)
  return {
    name: 'live-update',
    usage: '-f <file> | -c <arguments> | -s [-t <seconds>] [-F] [-v <version>] | -a',
    run: (exchange) => update.run(exchange),
  }
}

class LiveUpdate {
  readonly #options: LiveUpdateOptions
  #session: Session | undefined

  constructor(options: LiveUpdateOptions) {
    this.#options = options
  }

  run(exchange: ControlExchange): WireError | undefined {
    const [option, argument, ...others] = exchange.parameters
    if (option === '-s') return this.#parseStart(exchange)
    if (others.length > 0 || (option === '-a') !== (argument === undefined)) return 'EINVAL'
    if (option === '-f') this.#answer(exchange, this.#begin(exchange, argument!))
    else if (option === '-c') this.#answer(exchange, this.#setCommandLine(exchange.client, argument!))
    else if (option === '-a') this.#answer(exchange, this.#abort(exchange))
    else return 'EINVAL'
    return undefined
  }

  #answer({ respond }: ControlExchange, problem: string | undefined): void {
    respond(problem ?? 'OK')
  }

  #begin({ client, host }: ControlExchange, file: string): string | undefined {
    const problem = this.#options.successor.problemOf(file)
    if (problem !== undefined) return problem
    if (this.#current(host) !== undefined) return 'A live update is under way.'
    this.#session = { client, file }
    return undefined
  }

  #setCommandLine(client: Client, commandLine: string): string | undefined {
    if (this.#session?.client !== client) return NONE
    this.#session.commandLine = commandLine
    return undefined
  }

  #abort({ host }: ControlExchange): string | undefined {
    const session = this.#current(host)
    if (session === undefined) return NONE
    session.timer?.cancel()
    this.#session = undefined
    return undefined
  }

  #parseStart(exchange: ControlExchange): WireError | undefined {
    let [timeout, force, version]: [number, boolean, number | undefined] = [0, false, undefined]
    const rest = exchange.parameters.slice(1).values()
    for (const option of rest) {
      if (option === '-F') force = true
      else if (option === '-t') timeout = decimal(rest.next().value)
      else if (option === '-v') version = decimal(rest.next().value)
      else return 'EINVAL'
    }
    if (Number.isNaN(timeout) || Number.isNaN(version)) return 'EINVAL'
    const session = this.#session
    if (session?.client !== exchange.client) exchange.respond(NONE)
    else if (version !== undefined && (version < 1 || version > LATEST_VERSION))
      exchange.respond(`Streams of version ${version} are unknown.`)
    else this.#start(session, { exchange, timeoutMs: 1000 * timeout, force, version })
    return undefined
  }

  /** Outside of all turns, so that everything that was asked before is answered. */
  #start(session: Session, start: Start): void {
    const { clock } = this.#options.successor
    const deadline = clock.now() + start.timeoutMs
    const look = (): void => {
      if (this.#current(start.exchange.host) !== session) return
      const ages = agesOf(start.exchange, clock.now())
      const late = clock.now() >= deadline
      if (ages.size === 0 || (start.force && (late || [...ages.values()].every((age) => age >= start.timeoutMs)))) {
        this.#update(session, start)
      } else if (late) {
        this.#session = undefined
        start.exchange.respond(reasonOf(ages))
      } else session.timer = clock.setTimer(LOOK_MS, look)
    }
    session.timer = clock.setTimer(0, look)
  }

  #update({ client, file, commandLine }: Session, { exchange, version }: Start): void {
    const { reqId, txId, respond } = exchange
    const message = encodeMessage({ type: XenStoreOp.Control, reqId, txId, body: okBody() })
    const { successor } = this.#options
    const server = this.#options.server()
    const save = (options: SaveOptions): Uint8Array => server.save({ ...options, version, reply: { client, message } })
    try {
      server.yieldTo(() => successor.become({ file, commandLine }, save))
    } catch (error) {
      this.#session = undefined
      respond(`The program could not be started: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  /** It ends with the connection that began it. */
  #current(host: ControlExchange['host']): Session | undefined {
    if (this.#session !== undefined && !host.clients.has(this.#session.client)) {
      this.#session.timer?.cancel()
      this.#session = undefined
    }
    return this.#session
  }
}

const NONE = 'No live update was begun here.'

/** The oldest open transaction of each domain, in milliseconds. */
const agesOf = ({ host }: ControlExchange, now: number): Map<number, number> => {
  const ages = new Map<number, number>()
  for (const client of host.clients.all()) {
    for (const [, { startedAt }] of client.transactions.all())
      ages.set(client.domid, Math.max(ages.get(client.domid) ?? 0, now - startedAt))
  }
  return ages
}

const reasonOf = (ages: ReadonlyMap<number, number>): string =>
  `Transactions are open:${[...ages].map(([domid, age]) => `\ndomain ${domid} for ${Math.floor(age / 1000)} s`).join('')}`
