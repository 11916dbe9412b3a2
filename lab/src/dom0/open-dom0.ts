import { type Holding, PrivcmdPlatform } from '@split-driver/privcmd'
import type { Lab } from '../scenario.js'
import type { GuestHost } from './linux-guest.js'

/** Dom0 as a scenario's own process uses it. */
export interface OpenDom0 extends GuestHost {
  readonly platform: PrivcmdPlatform
}

/** Opens dom0's device nodes and XenStore until the scenario ends, and demands that nothing is held then. */
export const openDom0 = async (lab: Lab): Promise<OpenDom0> => {
  const platform = await PrivcmdPlatform.open()
  lab.atEnd(async () => {
    const held = platform.holdings()
    await platform[Symbol.asyncDispose]()
    if (held.length > 0) throw new Error(`the scenario's own process still held ${held.map(describe).join(', ')}`)
  })
  return { lab, platform, xenstore: platform.xenstore }
}

const describe = ({ what }: Holding): string => what
