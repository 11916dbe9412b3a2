import { packStrings, XenStoreOp } from '@split-driver/xenbus'
import { encode, WireConnection } from '../xenstore-peers/differential/wire-connection.js'
import type { MeasuredDaemon } from './daemons.js'
import type { Place } from './load-client.js'

/** Not looked at by what stands for Xen. */
const ANY_FRAME = '1'
const ANY_PORT = '1'

/** All that is made below may be read and written by guests, too. */
export const OPEN_FOLDER = '/bench'

type Request = readonly [type: number, ...texts: string[]]

const asDom0 = async ({ socketPath }: MeasuredDaemon, requests: readonly Request[]): Promise<void> => {
  const connection = await WireConnection.overSocket(socketPath)
  for (const [type, ...texts] of requests) {
    const { messages } = await connection.exchange(encode(type, 1, 0, packStrings(...texts)))
    const answer = messages.find(({ reqId }) => reqId === 1)
    if (answer?.type !== type) throw new Error(`request ${type} of ${texts.join(' ')} was refused`)
  }
  connection.close()
}

export const openToGuests = (daemon: MeasuredDaemon): Promise<void> =>
  asDom0(daemon, [
    [XenStoreOp.Mkdir, OPEN_FOLDER],
    [XenStoreOp.SetPerms, OPEN_FOLDER, 'b0'],
  ])

/** @param count of guests behind rings, from the domid `first` on */
export const introduceGuests = async (
  daemon: Required<MeasuredDaemon>,
  { first, count }: { readonly first: number; readonly count: number },
): Promise<void> => {
  const domids = Array.from({ length: count }, (_, index) => first + index)
  for (const domid of domids) daemon.guests.createGuest(domid).close()
  await asDom0(
    daemon,
    domids.map((domid): Request => [XenStoreOp.Introduce, `${domid}`, ANY_FRAME, ANY_PORT]),
  )
}

export const ringOf = ({ guests }: Required<MeasuredDaemon>, domid: number): Place => ({
  path: guests.pageOf(domid),
  events: guests.events.socket,
})
