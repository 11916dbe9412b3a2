import { DOM0, type Domid } from '@split-driver/abi'
import type { Permission, XenStoreOperations } from '@split-driver/xenbus'
import type { BuiltDomain } from './domain-builder.js'

/** Only the control domain, and the domain itself may read. */
const readableBy = (domid: Domid): Permission[] => [
  { domid: DOM0, kind: 'none' },
  { domid, kind: 'read' },
]

/** The domain's own, to do with as it likes. */
const ownedBy = (domid: Domid): Permission[] => [{ domid, kind: 'none' }]

/** Directories that a guest fills itself. @see docs/misc/xenstore-paths.pandoc */
const guestDirectories = [
  'control/shutdown',
  'control/feature-poweroff',
  'control/feature-reboot',
  'control/feature-suspend',
  'data',
  'drivers',
  'feature',
  'attr',
  'error',
]

export interface DomainDescription {
  readonly name: string
  /** Random (version 4) UUID, lower case. */
  readonly uuid: string
  /** Bytes that the console daemon keeps of its output. */
  readonly consoleLimit: number
}

/** A domain's keys in XenStore, as the toolstack writes them before the domain runs. */
export const writeDomainDirectories = async (
  store: XenStoreOperations,
  { domid, start }: BuiltDomain,
  { name, uuid, consoleLimit }: DomainDescription,
): Promise<void> => {
  const home = `/local/domain/${domid}`
  const memoryKiB = start.pages * 4
  const directory = async (path: string, permissions: Permission[]): Promise<void> => {
    await store.mkdir(path)
    await store.setPermissions(path, permissions)
  }
  const keys = async (base: string, values: Record<string, string | number>): Promise<void> => {
    for (const [key, value] of Object.entries(values)) await store.write(`${base}/${key}`, String(value))
  }
  await directory(home, readableBy(domid))
  await keys(home, { name, domid, vm: `/vm/${uuid}` })
  await keys(`${home}/memory`, { target: memoryKiB, 'static-max': memoryKiB })
  await keys(`${home}/cpu/0`, { availability: 'online' })
  await keys(`${home}/store`, { 'ring-ref': start.store.frame, port: start.store.port })
  if (start.console)
    await keys(`${home}/console`, {
      type: 'xenconsoled',
      output: 'pty',
      limit: consoleLimit,
      'ring-ref': start.console.frame,
      port: start.console.port,
    })
  await directory(`${home}/device`, readableBy(domid))
  await directory(`${home}/control`, readableBy(domid))
  for (const path of guestDirectories) await directory(`${home}/${path}`, ownedBy(domid))
  await directory(`/vm/${uuid}`, readableBy(domid))
  await keys(`/vm/${uuid}`, { name, uuid })
}
