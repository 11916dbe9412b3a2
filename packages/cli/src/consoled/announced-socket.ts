import type { Domid } from '@split-driver/abi'
import { CONSOLE_KEYS, primaryConsolePath } from '@split-driver/console'
import type { XenStore } from '@split-driver/xenbus'

/** Where a domain's console is to be had. */
const ttyPath = (domid: Domid): string => `${primaryConsolePath(domid)}/tty`

/**
 * Writes into the key where xenconsoled names its pty: libxl gives a new domain up if nobody has written there within ten
 * seconds. Not for a domain that has gone meanwhile, or its directory would come back.
 */
export const announceSocket = (store: XenStore, domid: Domid, socket: string): Promise<void> =>
  store.transaction(async (t) => {
    if ((await t.tryRead(`${primaryConsolePath(domid)}/${CONSOLE_KEYS.port}`)) === undefined) return
    await t.write(ttyPath(domid), socket)
  })

/** Nobody is there any more; what another daemon has written since stays. */
export const withdrawSocket = (store: XenStore, domid: Domid, socket: string): Promise<void> =>
  store.transaction(async (t) => {
    if ((await t.tryRead(ttyPath(domid))) === socket) await t.write(ttyPath(domid), '')
  })
