import { XenError } from '@split-driver/abi'
import { packStrings, unpackTexts } from '../wire/body.js'
import { XenStoreOp } from '../wire/operation.js'
import type { Session } from './session.js'
import { StoreOperations } from './store-operations.js'

const SUBJECT = { operation: 'transaction' }

const parseTxId = (body: Uint8Array): number | undefined => {
  const txId = Number(unpackTexts(body)?.[0] || Number.NaN)
  return Number.isInteger(txId) && txId > 0 && txId <= 0xffff_ffff ? txId : undefined
}

/** One transaction at the server, from its START to its END; never more than one connection's. */
export class Transaction {
  readonly operations: StoreOperations
  readonly #session: Session
  readonly #txId: number
  readonly #era: number
  readonly #signal: AbortSignal | undefined

  private constructor(session: Session, txId: number, era: number, signal: AbortSignal | undefined) {
    this.#session = session
    this.#txId = txId
    this.#era = era
    this.#signal = signal
    this.operations = new StoreOperations(session, { txId, era, signal })
  }

  /** @throws XenError CLOSED EBUSY ENOSPC EPROTO; the signal's reason, and no transaction stays open then */
  static async start(session: Session, signal: AbortSignal | undefined): Promise<Transaction> {
    let era = session.era
    const body = await session.request({
      type: XenStoreOp.TransactionStart,
      body: packStrings(''),
      subject: SUBJECT,
      signals: [signal],
      onReply: (answered) => {
        era = answered
      },
      onLate: (late, lateEra) => {
        const txId = parseTxId(late)
        if (txId !== undefined) new Transaction(session, txId, lateEra, undefined).#discard()
      },
    })
    const txId = parseTxId(body)
    if (txId !== undefined) return new Transaction(session, txId, era, signal)
    throw new XenError('EPROTO', `"${unpackTexts(body)?.[0]}" is no transaction`, { detail: SUBJECT })
  }

  /** Its connection has ended, and it with that. */
  get isLost(): boolean {
    return this.#era !== this.#session.era
  }

  /** @throws XenError EAGAIN a conflict, or it only read and its connection ended; CLOSED it is not known whether it took effect; the signal's reason, likewise */
  async commit(): Promise<void> {
    this.operations.end()
    // Whoever gave up before the commit went out wants nothing of it to happen.
    const onCancel = (sent: boolean): void => {
      if (!sent) this.#discard()
    }
    if (this.#signal?.aborted) onCancel(false)
    await this.#finish('T', [this.#signal], onCancel)
  }

  /** Waits for the server's word, but no longer than the signal. Fails silently: nothing of it happens in any case. */
  async abort(): Promise<void> {
    this.operations.end()
    await this.#session.listeners.untilAborted(this.#discard(), this.#signal).catch(() => undefined)
  }

  #discard(): Promise<void> {
    return this.#finish('F').catch(() => undefined)
  }

  async #finish(
    end: 'T' | 'F',
    signals?: [AbortSignal | undefined],
    onCancel?: (sent: boolean) => void,
  ): Promise<void> {
    await this.#session.request({
      type: XenStoreOp.TransactionEnd,
      body: packStrings(end),
      subject: SUBJECT,
      txId: this.#txId,
      era: this.#era,
      readsOnly: this.operations.readsOnly,
      ...(signals && { signals }),
      ...(onCancel && { onCancel }),
    })
  }
}
