import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './root.mjs'
import { spawnCaptured, spawnInherited } from './spawn.mjs'

/** `pnpm@x.y.z` as package.json pins it; a hash behind `+` is corepack's matter. */
const pinned = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).packageManager.split('+')[0]

/**
 * The command line that runs the pinned pnpm, whatever the machine has: npm fetches it once into its own cache.
 * Under `npm run`, npm says where it lives itself; asking Node to run that file avoids npx.cmd and its shell on Windows.
 */
function commandLine(args) {
  const npm = process.env['npm_execpath']
  const exec = ['exec', '--yes', `--package=${pinned}`, '--', 'pnpm', ...args]
  if (npm?.endsWith('npm-cli.js')) return { command: process.execPath, argv: [npm, ...exec], shell: false }
  return { command: 'npm', argv: exec, shell: process.platform === 'win32' }
}

/** CI keeps pnpm from stopping to ask a question, for instance whether it may replace node_modules. */
const environment = () => ({ CI: 'true', ...process.env })

/** Runs the pinned pnpm on this terminal; resolves to its exit code. */
export function pnpm(...args) {
  const { command, argv, shell } = commandLine(args)
  return spawnInherited(command, argv, { shell, env: environment() })
}

/** Runs the pinned pnpm quietly; resolves to `{ code, output }`. */
export function pnpmCaptured(args) {
  const { command, argv, shell } = commandLine(args)
  return spawnCaptured(command, argv, { shell, env: environment() })
}
