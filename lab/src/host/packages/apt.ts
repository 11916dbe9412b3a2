import { execFile, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { NotRun } from '../not-run.js'

const capture = promisify(execFile)
const networkPatienceSeconds = 60

/** Share of a download that is done, 0 to 1, and what is being fetched. */
export type DownloadProgress = (share: number, what: string) => void

/**
 * apt with lists, caches and an (empty) package status of its own: it uses this machine's sources, needs no privilege,
 * and neither sees nor changes what is installed.
 */
export class Apt {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
    for (const name of ['lists/partial', 'archives/partial']) mkdirSync(join(folder, name), { recursive: true })
    writeFileSync(join(folder, 'status'), '')
  }

  /** Where the downloaded packages are, complete ones only. */
  archives(): string[] {
    const folder = join(this.#folder, 'archives')
    return readdirSync(folder)
      .filter((name) => name.endsWith('.deb'))
      .sort()
      .map((name) => join(folder, name))
  }

  async update(progress: DownloadProgress) {
    await this.#fetch(['update', '--error-on=any'], progress)
  }

  /** Names of packages that begin with `prefix`. */
  async packageNames(prefix: string): Promise<string[]> {
    const { stdout } = await capture('apt-cache', [...this.#options(), 'pkgnames', prefix])
    return stdout.split('\n').filter((name) => name !== '')
  }

  /** What a package depends on by name, not counting alternatives. */
  async dependenciesOf(name: string): Promise<string[]> {
    const { stdout } = await capture('apt-cache', [...this.#options(), 'depends', '--important', name])
    return [...stdout.matchAll(/^ +Depends: (\S+)/gm)].map(([, dependency]) => dependency)
  }

  /** Downloads packages with all that they depend on; what an interrupted run left is used. */
  async download(names: readonly string[], progress: DownloadProgress) {
    await this.#fetch(['install', '--yes', '--no-install-recommends', '--download-only', ...names], progress)
  }

  remove() {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #fetch(command: readonly string[], progress: DownloadProgress) {
    const network = [`Acquire::http::Timeout=${networkPatienceSeconds}`, 'Acquire::Retries=3', 'APT::Status-Fd=3']
    const args = [...this.#options(), ...network.flatMap((option) => ['-o', option]), '--quiet=2', ...command]
    const child = spawn('apt-get', args, { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] })
    let complaint = ''
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      complaint = (complaint + text).slice(-4000)
    })
    child.stdio[3]?.on('data', (bytes) => reportProgress(String(bytes), progress))
    const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve))
    if (code !== 0) throw new NotRun(`apt-get ${command[0]} failed: ${errorLines(complaint)}`)
  }

  #options() {
    const settings = [
      `Dir::State=${this.#folder}`,
      `Dir::State::lists=${join(this.#folder, 'lists')}`,
      `Dir::State::status=${join(this.#folder, 'status')}`,
      `Dir::Cache=${this.#folder}`,
      `Dir::Cache::archives=${join(this.#folder, 'archives')}`,
      'Debug::NoLocking=1',
      // The user _apt cannot write into a private folder, and apt would warn about that for each file.
      'APT::Sandbox::User=',
    ]
    return settings.flatMap((setting) => ['-o', setting])
  }
}

/** Lines such as `dlstatus:3:41.2:Retrieving file 3 of 80 (12s remaining)`. */
function reportProgress(text: string, progress: DownloadProgress) {
  for (const [, percent, what] of text.matchAll(/^dlstatus:\d+:([\d.]+):(.*)$/gm)) progress(Number(percent) / 100, what)
}

function errorLines(complaint: string) {
  const lines = complaint.split('\n').filter((line) => /^[EW]:/.test(line))
  return lines.slice(-3).join(' ') || complaint.trim() || 'no reason given'
}
