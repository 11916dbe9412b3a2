import { mkdirSync, writeFileSync } from 'node:fs'
import type { Lab } from '../scenario.js'
import { Daemon } from './daemon.js'
import { OUR_KIND } from './virtual-disk.js'

/** The command's first line on standard output. */
const READY = /^ready$/m

/** Starts `split-driver blkback` for every file of the scenario's folder. It is stopped, in order, at the scenario's end. */
export const startBlkback = async (lab: Lab): Promise<Daemon> => {
  const config = `${lab.folder}/blkback.json`
  writeFileSync(config, JSON.stringify({ kind: OUR_KIND, folders: [{ path: lab.folder }] }))
  const daemon = await Daemon.start('split-driver', ['blkback', '--config', config], { ready: READY })
  lab.atEnd(() => daemon.stop())
  return daemon
}

export interface OurConsoled {
  readonly daemon: Daemon
  readonly socketFolder: string
  readonly logFolder: string
}

/** Starts `split-driver consoled`; xenconsoled must not run. It is stopped, in order, at the scenario's end. */
export const startConsoled = async (lab: Lab): Promise<OurConsoled> => {
  const [socketFolder, logFolder] = [`${lab.folder}/sockets`, `${lab.folder}/logs`]
  const args = ['consoled', '--socket-dir', socketFolder, '--log-dir', logFolder]
  for (const folder of [socketFolder, logFolder]) mkdirSync(folder, { mode: 0o700 })
  const daemon = await Daemon.start('split-driver', args, { ready: READY })
  lab.atEnd(() => daemon.stop())
  return { daemon, socketFolder, logFolder }
}
