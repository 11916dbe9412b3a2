import { writeFileSync } from 'node:fs'
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
