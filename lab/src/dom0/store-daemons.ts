import { readFileSync } from 'node:fs'
import { SocketChannel } from '@split-driver/xenbus/node'
import { Daemon } from './daemon.js'
import { until } from './patience.js'

/** Where each of them listens: one at a time can have dom0's ring and the interrupt that tells of domains' ends. */
export const STORE_SOCKET = '/run/xenstored/socket'

const PID_FILES = ['/run/xen/xenconsoled.pid', '/run/xen/xenstored.pid']
const PATIENCE = 60

const exists = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Ends the XenStore daemon that dom0 booted with, and before it xenconsoled, which cannot be without. */
export const stopBootedStore = async (): Promise<void> => {
  for (const file of PID_FILES) {
    const pid = Number(readFileSync(file, 'utf8'))
    process.kill(pid, 'SIGTERM')
    await until(PATIENCE, `the process of ${file} to end`, () => !exists(pid))
  }
}

const answers = async (): Promise<boolean> => {
  try {
    const channel = await SocketChannel.connect(STORE_SOCKET)
    channel.close()
    return true
  } catch {
    return false
  }
}

/** It says its name before it listens, and nothing after. */
export const startOxenstored = async (): Promise<Daemon> => {
  const args = ['--no-fork', '--no-access-log', '--config-file', '/etc/xen/oxenstored.conf']
  const daemon = await Daemon.start('/usr/lib/xen/bin/oxenstored', args, { ready: /Xen Storage Daemon/ })
  await until(PATIENCE, 'oxenstored to listen', answers)
  return daemon
}

export const startOwnStore = (log: string): Promise<Daemon> =>
  Daemon.start('split-driver', ['xenstored', '--host', '--log', log], { ready: /^ready$/m })
