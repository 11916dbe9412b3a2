import { XenStoreOp } from '@split-driver/xenbus'

/** Which transaction a request names: none, the client's n-th open one, or one that there is not. */
export type TransactionChoice = 'none' | 'unknown' | { readonly slot: number }

/** One request of one client, the same for all daemons but for the numbers that they gave. */
export interface Operation {
  /** Which of the episode's clients asks. */
  readonly client: number
  /** Any u32. */
  readonly type: number
  readonly transaction: TransactionChoice
  readonly body: Uint8Array
}

const names = new Map<number, string>(
  Object.entries(XenStoreOp).map(([name, type]) => [type, name.replaceAll(/(?!^)([A-Z])/g, '_$1').toUpperCase()]),
)

/** As docs/misc/xenstore.txt calls it. */
export const typeName = (type: number): string => names.get(type) ?? `type ${type}`

const longestShown = 160

/** Bytes as a JavaScript string in quotes; the middle of long ones left out. */
export function shown(bytes: Uint8Array | string): string {
  const text = typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('latin1')
  const short = text.length > longestShown ? `${text.slice(0, 60)}…${text.length} bytes…${text.slice(-20)}` : text
  return JSON.stringify(short)
}

export function describe({ client, type, transaction, body }: Operation): string {
  const inside = transaction === 'none' ? '' : ` tx ${typeof transaction === 'string' ? transaction : transaction.slot}`
  return `client ${client}${inside}: ${typeName(type)} ${shown(body)}`
}
