import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { NotRun } from '../not-run.js'

const capture = promisify(execFile)

/** Never needed at run time; drivers of real hardware alone are 300 MB of a kernel package. */
const unwanted = [
  './usr/share/doc',
  './usr/share/man',
  './usr/share/locale',
  './usr/share/iso-codes',
  './usr/lib/debug',
  './usr/lib/python3*',
  ...['sound', 'net', 'drivers/gpu', 'drivers/net', 'drivers/media', 'drivers/staging', 'drivers/infiniband'].flatMap(
    (folder) => [`./lib/modules/*/kernel/${folder}`, `./usr/lib/modules/*/kernel/${folder}`],
  ),
]

/** Unpacks a package's files below `folder`; its scripts are not run. */
export async function unpack(archive: string, folder: string) {
  const excluded = unwanted.map((path) => `--exclude='${path}'`).join(' ')
  // The paths come as positional parameters: the shell never reads them as code.
  const script = `set -o pipefail; dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --no-same-owner ${excluded}`
  await capture('bash', ['-c', script, 'unpack', archive, folder]).catch((error: Error & { stderr?: string }) => {
    throw new NotRun(`${archive} cannot be unpacked: ${(error.stderr ?? error.message).trim()}`)
  })
}
