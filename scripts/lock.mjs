import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { root } from './root.mjs'

const patienceMs = 300_000

/** Runs `work` while no other process of this checkout holds the lock `name`: two installs or builds at once would mix. */
export async function withLock(name, work) {
  mkdirSync(join(root, '.cache'), { recursive: true })
  const file = join(root, '.cache', `${name}.lock`)
  const deadline = Date.now() + patienceMs
  while (!tryTake(file)) {
    if (Date.now() > deadline) throw new Error(`waited too long for ${file}; remove it if nothing else is running`)
    await sleep(50)
  }
  try {
    return await work()
  } finally {
    rmSync(file, { force: true })
  }
}

function tryTake(file) {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    if (holderIsGone(file)) rmSync(file, { force: true })
    return false
  }
}

function holderIsGone(file) {
  try {
    const pid = Number(readFileSync(file, 'utf8'))
    // An empty file was made this instant by a process that is about to write its id.
    if (pid > 0) process.kill(pid, 0)
    return false
  } catch (error) {
    return error.code === 'ESRCH'
  }
}
