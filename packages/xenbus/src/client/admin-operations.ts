import type { Domid, FrameNumber, Port } from '@split-driver/abi'
import { packStrings, unpackTexts } from '../wire/body.js'
import { XenStoreOp } from '../wire/operation.js'
import { toText } from '../wire/text.js'
import type { CallOptions } from '../xenstore.js'
import type { XenStoreAdmin } from '../xenstore-admin.js'
import type { Call, Subject } from './request.js'
import type { Session } from './session.js'
import { malformed, StoreOperations } from './store-operations.js'

const DECIMAL = /^[0-9]{1,10}$/

/** What is asked outside of transactions alone: about domains, and of the daemon itself. */
export abstract class AdminOperations extends StoreOperations implements Omit<XenStoreAdmin, 'resetWatches'> {
  readonly #session: Session

  constructor(session: Session) {
    super(session)
    this.#session = session
  }

  getDomainPath(domid: Domid, options?: CallOptions): Promise<string> {
    return this.#ask(XenStoreOp.GetDomainPath, { operation: 'getDomainPath', domid }, [domid], options)
  }

  async isDomainIntroduced(domid: Domid, options?: CallOptions): Promise<boolean> {
    const subject = { operation: 'isDomainIntroduced', domid }
    return (await this.#ask(XenStoreOp.IsDomainIntroduced, subject, [domid], options)) === 'T'
  }

  /** The frame number travels as a signed decimal. @see docs/misc/xenstore.txt INTRODUCE */
  async introduce(domid: Domid, frame: FrameNumber, port: Port, options?: CallOptions): Promise<void> {
    await this.#ask(XenStoreOp.Introduce, { operation: 'introduce', domid }, [domid, frame | 0, port], options)
  }

  async release(domid: Domid, options?: CallOptions): Promise<void> {
    await this.#ask(XenStoreOp.Release, { operation: 'release', domid }, [domid], options)
  }

  async resume(domid: Domid, options?: CallOptions): Promise<void> {
    await this.#ask(XenStoreOp.Resume, { operation: 'resume', domid }, [domid], options)
  }

  async setTarget(domid: Domid, target: Domid, options?: CallOptions): Promise<void> {
    await this.#ask(XenStoreOp.SetTarget, { operation: 'setTarget', domid, target }, [domid, target], options)
  }

  getFeatures(domid?: Domid, options?: CallOptions): Promise<number> {
    return this.#askNumber(XenStoreOp.GetFeature, { operation: 'getFeatures', domid }, [domid], options)
  }

  async setFeatures(domid: Domid, features: number, options?: CallOptions): Promise<void> {
    const subject = { operation: 'setFeatures', domid, features }
    await this.#ask(XenStoreOp.SetFeature, subject, [domid, features >>> 0], options)
  }

  async quotaNames(options?: CallOptions): Promise<string[]> {
    const names = await this.#ask(XenStoreOp.GetQuota, { operation: 'quotaNames' }, [], options)
    return names.split(' ').filter((name) => name !== '')
  }

  getQuota(name: string, domid?: Domid, options?: CallOptions): Promise<number> {
    return this.#askNumber(XenStoreOp.GetQuota, { operation: 'getQuota', domid, name }, [domid, name], options)
  }

  async setQuota(name: string, value: number, domid?: Domid, options?: CallOptions): Promise<void> {
    const subject = { operation: 'setQuota', domid, name }
    await this.#ask(XenStoreOp.SetQuota, subject, [domid, name, value], options)
  }

  /** What the daemon says ends with its NUL, or without one. */
  async control(command: string, parameters: readonly string[] = [], options?: CallOptions): Promise<string> {
    const subject = { operation: 'control', command }
    const body = packStrings(command, ...parameters)
    return toText(await this.#request({ type: XenStoreOp.Control, body, subject }, options)).replace(/\0$/, '')
  }

  /** Fields to the server, those that are `undefined` left out; one text back. @throws XenError EPROTO if there is none */
  async #ask(
    type: XenStoreOp,
    subject: Subject & Readonly<Record<string, unknown>>,
    fields: readonly (string | number | undefined)[],
    options: CallOptions | undefined,
  ): Promise<string> {
    const given = fields.filter((field) => field !== undefined).map(String)
    const texts = unpackTexts(await this.#request({ type, body: packStrings(...given), subject }, options))
    if (texts?.[0] === undefined) throw malformed(subject)
    return texts[0]
  }

  async #askNumber(
    type: XenStoreOp,
    subject: Subject & Readonly<Record<string, unknown>>,
    fields: readonly (string | number | undefined)[],
    options: CallOptions | undefined,
  ): Promise<number> {
    const text = await this.#ask(type, subject, fields, options)
    if (!DECIMAL.test(text)) throw malformed(subject)
    return Number(text)
  }

  #request(call: Call, options: CallOptions | undefined): Promise<Uint8Array> {
    return this.#session.request({ ...call, signals: [options?.signal] })
  }
}
