import type { EmergencyConsole, Toolstack } from '@split-driver/emulator'
import type { ControlHandlers } from '../control/control-connection.js'
import { version } from '../version.js'
import type { FactGatherer } from '../why/gather-facts.js'
import { whyReport } from '../why/why-report.js'
import type { DomainDisks } from './domain-disks.js'
import type { DomainKeeper } from './domain-keeper.js'

export interface HandlerParts {
  readonly toolstack: Toolstack
  readonly emergencyConsole: EmergencyConsole
  readonly keeper: DomainKeeper
  readonly disks: DomainDisks
  readonly gatherer: FactGatherer
  readonly xenstoreSocket: string
  readonly consoleFolder: string
}

/** What the control socket offers, carried out by a machine's parts. */
export const controlHandlers = (parts: HandlerParts): ControlHandlers => {
  const { toolstack, emergencyConsole, keeper, disks, gatherer, xenstoreSocket, consoleFolder } = parts
  const guest = (which: string) => keeper.findGuest(which)
  const done = async (work: Promise<void> | void): Promise<Record<string, never>> => {
    await work
    return {}
  }
  return {
    about: () => ({ pid: process.pid, version: version(), xenstoreSocket, consoleFolder }),
    create: ({ config, paused }) => keeper.create(config, paused),
    find: ({ domain }) => keeper.find(domain),
    list: () => keeper.list(),
    'vcpu-list': () => [...toolstack.vcpuList()],
    pause: ({ domain }) => done(toolstack.pause(guest(domain))),
    unpause: ({ domain }) => done(toolstack.unpause(guest(domain))),
    shutdown: async ({ domain, request, acknowledgeMilliseconds, wait }) => {
      const domid = guest(domain)
      const ended = toolstack.ended(domid)
      await toolstack.shutdown(domid, { request, acknowledgeMilliseconds })
      return wait ? { reason: (await ended).reason } : {}
    },
    dmesg: () => ({ text: emergencyConsole.text(), droppedBytes: emergencyConsole.droppedBytes }),
    rename: ({ domain, name }) => done(toolstack.rename(guest(domain), name)),
    destroy: ({ domain }) => done(toolstack.destroy(guest(domain))),
    'block-attach': ({ domain, disk }) => done(disks.attach(guest(domain), disk)),
    'block-detach': ({ domain, device, force }) => done(disks.detach(guest(domain), device, force)),
    'block-list': ({ domain }) => disks.list(guest(domain)),
    why: ({ domain, device }) => {
      const domid = guest(domain)
      return whyReport(gatherer, toolstack.list().find((info) => info.domid === domid)!, device)
    },
  }
}
