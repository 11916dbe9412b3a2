import type { Transfer } from './transfer.js'

/** Transfers in the order in which they were asked for. Linked, so that one that is given up leaves at no cost. */
export class TransferQueue {
  first: Transfer | undefined
  #last: Transfer | undefined

  append(transfer: Transfer): void {
    transfer.previous = this.#last
    if (this.#last === undefined) this.first = transfer
    else this.#last.next = transfer
    this.#last = transfer
  }

  /** @returns false if it is not in the queue */
  remove(transfer: Transfer): boolean {
    if (transfer !== this.first && transfer.previous === undefined) return false
    if (transfer.previous === undefined) this.first = transfer.next
    else transfer.previous.next = transfer.next
    if (transfer.next === undefined) this.#last = transfer.previous
    else transfer.next.previous = transfer.previous
    transfer.next = undefined
    transfer.previous = undefined
    return true
  }
}
