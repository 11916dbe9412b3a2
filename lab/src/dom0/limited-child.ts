import type { ChildProcess } from 'node:child_process'

/** What a process wrote just before its end is still under way for so long; a process of its own may keep the pipe open. */
const lastWordsMs = 5_000

/**
 * Waits for a child that was started `detached`, and ends it and all in its group when it takes too long.
 * @returns its exit code, or in words why it has none
 */
export async function outcomeOf(child: ChildProcess, limitSeconds: number): Promise<number | string> {
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const outcome = await ended(child, limitSeconds)
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, lastWordsMs)
  })
  await Promise.race([closed, patience])
  clearTimeout(timer)
  return outcome
}

function ended(child: ChildProcess, limitSeconds: number): Promise<number | string> {
  return new Promise((resolve) => {
    let expired = false
    const timer = setTimeout(() => {
      expired = true
      killGroup(child)
    }, limitSeconds * 1000)
    const settle = (outcome: number | string) => {
      clearTimeout(timer)
      resolve(expired ? `not done after ${limitSeconds.toFixed(0)} s` : outcome)
    }
    child.once('error', (error) => settle(error.message))
    child.once('exit', (code, signal) => settle(code ?? `ended by ${signal}`))
  })
}

function killGroup(child: ChildProcess) {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It has ended by itself meanwhile.
  }
}
