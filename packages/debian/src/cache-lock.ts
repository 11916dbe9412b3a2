import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { NotRun } from './not-run.js'

/**
 * Runs `work` while no other process writes the cache. The kernel's own lock, held by `flock` of util-linux: it is free
 * again however its holder ends, which no lock file can promise.
 */
export async function withCacheLock<T>(folder: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'lock')
  let holder = await tryTake(file, ['--nonblock'])
  if (holder === undefined) {
    onWait()
    holder = await tryTake(file, ['--timeout', '900'])
  }
  if (holder === undefined) throw new NotRun(`another run has been filling ${folder} for 15 minutes`)
  try {
    return await work()
  } finally {
    await holder.release()
  }
}

/** Resolves when flock has the lock (it then runs `echo`), or has given up; `cat` ends with our end of the pipe. */
function tryTake(file: string, patience: string[]): Promise<{ release(): Promise<unknown> } | undefined> {
  const args = [...patience, file, 'sh', '-c', 'echo taken; exec cat']
  const child = spawn('flock', args, { stdio: ['pipe', 'pipe', 'ignore'] })
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new NotRun(`flock of util-linux is needed: ${error.message}`)))
    const ended = new Promise<undefined>((freed) => child.once('exit', () => freed(undefined)))
    const release = () => {
      child.stdin.end()
      return ended
    }
    child.stdout.once('data', () => resolve({ release }))
    ended.then(resolve)
  })
}
