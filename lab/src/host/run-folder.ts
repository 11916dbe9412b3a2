import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cache } from './folders.js'

const keptRuns = 50

/** Where one run keeps its logs, and what it boots from until it ends. */
export interface RunFolder {
  readonly logs: string
  readonly images: string
}

/** Made anew for this process. The images (about 130 MB) go when it ends, the logs of the last runs stay. */
export function makeRunFolder(): RunFolder {
  const name = `${new Date().toISOString().replace(/[:.]/g, '-')}-${process.pid}`
  const [logs, images] = [join(cache, 'logs', name), join(cache, 'boot', `${process.pid}`)]
  for (const folder of [logs, images]) mkdirSync(folder, { recursive: true })
  process.once('exit', () => rmSync(images, { recursive: true, force: true }))
  forgetOldRuns()
  return { logs, images }
}

function forgetOldRuns() {
  const runs = readdirSync(join(cache, 'logs')).sort()
  for (const name of runs.slice(0, -keptRuns)) rmSync(join(cache, 'logs', name), { recursive: true, force: true })
  for (const pid of readdirSync(join(cache, 'boot'))) {
    if (!isAlive(Number(pid))) rmSync(join(cache, 'boot', pid), { recursive: true, force: true })
  }
}

function isAlive(pid: number) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
