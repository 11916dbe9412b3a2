import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withLock } from './lock.mjs'
import { pnpm } from './pnpm.mjs'
import { root } from './root.mjs'

const stamp = join(root, 'node_modules', '.installed')

/** Installs what pnpm-lock.yaml says, unless node_modules already holds exactly that. */
export async function ensureInstalled() {
  if (isInstalled()) return
  await withLock('install', async () => {
    if (isInstalled()) return
    process.stderr.write('installing packages …\n')
    const wanted = fingerprint()
    const code = await pnpm('install', '--frozen-lockfile', '--prefer-offline', '--reporter=append-only')
    if (code !== 0) process.exit(code)
    writeFileSync(stamp, wanted)
  })
}

function isInstalled() {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint()
}

/** The lock names every package and every workspace folder, so it alone decides whether node_modules is right. */
function fingerprint() {
  const hash = createHash('sha256')
  for (const name of ['pnpm-lock.yaml', 'pnpm-workspace.yaml']) hash.update(readFileSync(join(root, name)))
  return hash.update(process.platform).update(process.arch).digest('hex')
}
