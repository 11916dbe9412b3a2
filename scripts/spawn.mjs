import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { root } from './root.mjs'

const require = createRequire(import.meta.url)

/** Runs a program with this terminal as its own; resolves to its exit code. */
export function spawnInherited(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...options })
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(signal === null ? code : 1))
  })
}

/** Runs a program quietly; resolves to its exit code and all it said. */
export function spawnCaptured(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options })
    let output = ''
    const collect = (chunk) => {
      output += chunk
    }
    child.stdout.setEncoding('utf8').on('data', collect)
    child.stderr.setEncoding('utf8').on('data', collect)
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code: signal === null ? code : 1, output }))
  })
}

/** The script behind a package's command, so that Node runs it and no shell (or .cmd file on Windows) is needed. */
export function binOf(packageName, command = packageName.split('/').pop()) {
  const folder = join(root, 'node_modules', packageName)
  const { bin } = require(join(folder, 'package.json'))
  return join(folder, typeof bin === 'string' ? bin : bin[command])
}
