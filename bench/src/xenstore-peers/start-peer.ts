import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FetchedPackages, ForeignRoot } from '@split-driver/debian'
import { XEN_RELEASE } from './peer-packages.js'
import { type CommandLine, type ShimmedDaemon, startShimmed } from './start-shimmed.js'

export type PeerName = 'C xenstored' | 'oxenstored'

/** A XenStore daemon of Xen's own, running on this machine without Xen. */
export interface OriginalDaemon extends ShimmedDaemon {
  readonly name: PeerName
  /** Of the package, such as `4.17.5+72-g01140da4e8-1`. */
  readonly version: string
}

/** Quotas of a guest; the daemon's own defaults unless given. */
export interface PeerOptions {
  /** That it may have open at once. */
  readonly transactions?: number
  /** That it may own. */
  readonly nodes?: number
}

/** As `startShimmed`. @throws NotRun where packages, compiler or machine are missing */
export async function startPeer(name: PeerName, options: PeerOptions = {}): Promise<OriginalDaemon> {
  const daemon = await startShimmed(name, (packages, home) => commandLines[name](packages, home, options))
  return { ...daemon, name, version: versionOf(daemon.packages) }
}

const commandLines: Record<PeerName, (packages: FetchedPackages, home: string, options: PeerOptions) => CommandLine> = {
  'C xenstored': ({ root }, home, { transactions, nodes }) => {
    const quotas = transactions === undefined ? [] : [`--transaction=${transactions}`]
    if (nodes !== undefined) quotas.push(`--entry-nb=${nodes}`)
    return root.command(program('xenstored'), [
      '--no-fork',
      '--internal-db',
      `--pid-file=${home}/xenstored.pid`,
      ...quotas,
    ])
  },
  oxenstored: ({ root }, home, options) => {
    const settings = oxenstoredSettings(root, home, options)
    return root.command(program('oxenstored'), ['--no-fork', '--no-access-log', '--config-file', settings])
  },
}

/** It takes one watch more than its quota says; by this one it takes 128, as ours does. */
const OXENSTORED_WATCHES = 127

/** The package's own settings but for quotas. @returns the file */
function oxenstoredSettings(root: ForeignRoot, home: string, { transactions, nodes }: PeerOptions): string {
  const file = join(home, 'oxenstored.conf')
  const quotas = { maxwatch: OXENSTORED_WATCHES, transaction: transactions, maxentity: nodes }
  let settings = readFileSync(root.at('/etc/xen/oxenstored.conf'), 'utf8')
  for (const [name, value] of Object.entries(quotas)) {
    if (value === undefined) continue
    settings = settings.replace(new RegExp(`^quota-${name} = .*$`, 'm'), `quota-${name} = ${value}`)
  }
  writeFileSync(file, settings)
  return file
}

const program = (name: string): string => `/usr/lib/xen-${XEN_RELEASE}/bin/${name}`

function versionOf({ archives }: FetchedPackages): string {
  const [, version = ''] = /^xen-utils-[\d.]+_(.*)_amd64\.deb$/m.exec(archives.join('\n')) ?? []
  return decodeURIComponent(version)
}
