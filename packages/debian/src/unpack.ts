import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { NotRun } from './not-run.js'

const capture = promisify(execFile)

/** Unpacks a package's files below `folder`, but for what a pattern of `unwanted` names; its scripts are not run. */
export async function unpack(archive: string, folder: string, unwanted: readonly string[]) {
  // Whatever varies comes as positional parameters: the shell never reads it as code.
  const script = `set -o pipefail; dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --no-same-owner "\${@:3}"`
  const excluded = unwanted.map((path) => `--exclude=${path}`)
  const args = ['-c', script, 'unpack', archive, folder, ...excluded]
  await capture('bash', args).catch((error: Error & { stderr?: string }) => {
    throw new NotRun(`${archive} cannot be unpacked: ${(error.stderr ?? error.message).trim()}`)
  })
}
