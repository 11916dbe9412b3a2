import { domid as asDomid } from '@split-driver/abi'
import type { ControlHandlers } from '../control/control-connection.js'
import { version } from '../version.js'
import type { DomainDisks } from './domain-disks.js'
import type { DomainKeeper } from './domain-keeper.js'

export interface HandlerParts {
  readonly keeper: DomainKeeper
  readonly disks: DomainDisks
  readonly xenstoreSocket: string
  readonly consoleFolder: string
}

/** What the control socket offers, carried out by a machine's parts. */
export const controlHandlers = ({ keeper, disks, xenstoreSocket, consoleFolder }: HandlerParts): ControlHandlers => {
  const domidOf = (which: string) => asDomid(keeper.find(which).domid)
  const done = async (work: Promise<void>): Promise<Record<string, never>> => {
    await work
    return {}
  }
  return {
    about: () => ({ pid: process.pid, version: version(), xenstoreSocket, consoleFolder }),
    create: ({ config, paused }) => keeper.create(config, paused),
    find: ({ domain }) => keeper.find(domain),
    list: () => keeper.list(),
    destroy: ({ domain }) => done(keeper.destroy(domidOf(domain))),
    'block-attach': ({ domain, disk }) => done(disks.attach(domidOf(domain), disk)),
    'block-detach': ({ domain, device, force }) => done(disks.detach(domidOf(domain), device, force)),
    'block-list': ({ domain }) => disks.list(domidOf(domain)),
  }
}
