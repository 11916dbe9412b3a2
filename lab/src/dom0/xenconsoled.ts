import { existsSync, readFileSync } from 'node:fs'
import type { Lab } from '../scenario.js'
import { command } from './command.js'
import { until } from './patience.js'

const PID_FILE = '/run/xen/xenconsoled.pid'
const PATIENCE = 30

const running = (pid: number): boolean => existsSync(`/proc/${pid}`)

const runningPid = (): number | undefined => {
  const pid = existsSync(PID_FILE) ? Number(readFileSync(PID_FILE, 'utf8')) : 0
  return pid > 0 && running(pid) ? pid : undefined
}

/** Stops Xen's own console daemon; it is started again, as it was, when the scenario ends. */
export const stopXenconsoled = async (lab: Lab): Promise<void> => {
  const pid = runningPid()
  if (pid === undefined) throw new Error(`no xenconsoled runs: ${PID_FILE} names no living process`)
  const [program, ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1)
  lab.atEnd(async () => {
    await command(program!, args)
    await until(PATIENCE, 'xenconsoled to run again', () => runningPid() !== undefined)
  })
  process.kill(pid, 'SIGTERM')
  await until(PATIENCE, 'xenconsoled to end', () => !running(pid))
}
