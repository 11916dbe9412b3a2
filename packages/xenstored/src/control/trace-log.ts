import { type Domid, XenError } from '@split-driver/abi'
import { type Message, XenStoreOp } from '@split-driver/xenbus'
import type { CountedQuota } from '../quotas/domain-account.js'
import type { ObservedClient, ObservedKind, Observers, ServerObserver } from '../server-observer.js'
import type { LogFile, ServerConsole } from './server-console.js'

/**
 * What may be logged, by the original's names and in its order: what comes to be and ends; requests and replies; who is
 * kept from writing; what domains use; what is set in the tree and removed. @see xen/tools/xenstored/core.c
 */
export const TRACE_SWITCHES = ['obj', 'io', 'wrl', 'acc', 'tdb'] as const

export type TraceSwitch = (typeof TRACE_SWITCHES)[number]

const NAMES = new Map<number, string>(
  Object.entries(XenStoreOp).map(([name, type]) => [type, name.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase()]),
)

const latin1 = new TextDecoder('latin1')

/** As the original shows bodies; but what a domain says must not end a line, or tell a terminal what to do (C2). */
const shownBody = (body: Uint8Array): string =>
  latin1
    .decode(body)
    .replaceAll('\0', ' ')
    .replaceAll(/\p{Cc}/gu, '.')

/** Writes what a server is asked, answers and keeps to a file, one line each; observes nothing while it is off. */
export class TraceLog implements ServerObserver {
  readonly on = new Set<TraceSwitch>(['obj', 'io'])
  readonly #console: ServerConsole
  readonly #observers: Observers
  #name: string | undefined
  #file: LogFile | undefined

  constructor(console: ServerConsole, observers: Observers) {
    this.#console = console
    this.#observers = observers
  }

  /** Writes to the file that was last used, if there was one. @throws XenError with what the system said */
  start(): void {
    if (this.#name !== undefined) this.startAt(this.#name)
  }

  /** From now on this is the file. @throws XenError with what the system said; nothing is logged then */
  startAt(name: string): void {
    this.stop()
    this.#name = name
    this.#file = this.#console.openLog(name)
    this.#observers.add(this)
  }

  stop(): void {
    this.#observers.delete(this)
    this.#file?.close()
    this.#file = undefined
  }

  /** Appends to the log, be it on or off. @throws XenError EINVAL if there is none; what the system said otherwise */
  append(text: string): void {
    if (this.#file !== undefined) this.#file.write(text)
    else if (this.#name !== undefined) appendTo(this.#console, this.#name, text)
    else throw new XenError('EINVAL', 'there is no log file')
  }

  received(client: ObservedClient, request: Message): void {
    this.#message('IN', client, request)
  }

  sent(client: ObservedClient, message: Message): void {
    this.#message('OUT', client, message)
  }

  created(kind: ObservedKind, client: ObservedClient): void {
    this.#object('CREATE', kind, client)
  }

  destroyed(kind: ObservedKind, client: ObservedClient): void {
    this.#object('DESTROY', kind, client)
  }

  held(domid: Domid, milliseconds: number): void {
    this.#line('wrl', milliseconds > 0 ? `domain ${domid} is held for ${milliseconds} ms` : `domain ${domid} goes on`)
  }

  charged(domid: Domid, name: CountedQuota, used: number, change: number): void {
    this.#line('acc', `domain ${domid} ${name} ${used} add ${change}`)
  }

  stored(path: string, bytes: number): void {
    this.#line('tdb', `store ${path} size ${bytes}`)
  }

  removed(path: string): void {
    this.#line('tdb', `delete ${path}`)
  }

  #message(direction: string, { id, domid }: ObservedClient, { type, body }: Message): void {
    if (!this.on.has('io')) return
    const name = NAMES.get(type) ?? `**UNKNOWN** ${type}`
    const time = this.#console.timestamp()
    this.#line('io', `${direction} ${id} (d${domid}) ${time} ${name} (${shownBody(body)})`)
  }

  #object(what: string, kind: ObservedKind, { id, domid }: ObservedClient): void {
    this.#line('obj', `${what} ${kind} ${id} (d${domid})`)
  }

  /** A log that cannot be written must not end the server: it is off then. */
  #line(what: TraceSwitch, text: string): void {
    if (!this.on.has(what)) return
    try {
      this.#file?.write(`${what}: ${text}`)
    } catch (error) {
      if (!XenError.is(error)) throw error
      this.stop()
      this.#console.print(`log: ${error.message}`)
    }
  }
}

/** @throws XenError with what the system said */
export const appendTo = (console: ServerConsole, name: string, text: string): void => {
  const file = console.openLog(name)
  file.write(text)
  file.close()
}
