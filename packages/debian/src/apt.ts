import { execFile, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { NotRun } from './not-run.js'

const capture = promisify(execFile)
const networkPatienceSeconds = 60
const fetchLimitMs = 15 * 60_000

/** Share of a download that is done, 0 to 1, and what is being fetched. */
export type DownloadProgress = (share: number, what: string) => void

/**
 * apt with lists, caches and an (empty) package status of its own: it uses this machine's sources, needs no privilege,
 * and neither sees nor changes what is installed.
 */
export class Apt {
  readonly #folder: string
  readonly #settings: string
  #warnings = ''

  constructor(folder: string) {
    this.#folder = folder
    this.#settings = join(folder, 'apt.conf')
    for (const name of ['lists/partial', 'archives/partial']) mkdirSync(join(folder, name), { recursive: true })
    writeFileSync(join(folder, 'status'), '')
    writeFileSync(this.#settings, settings(folder))
  }

  /** What to throw when the lists lack `name`, with what the last command complained about. */
  notServed(name: string): NotRun {
    const reason = this.#warnings === '' ? '' : `: ${this.#warnings}`
    return new NotRun(`this machine's apt sources serve no ${name}; those of Debian do${reason}`)
  }

  /** Where the downloaded packages are, complete ones only. */
  archives(): string[] {
    const folder = join(this.#folder, 'archives')
    const names = readdirSync(folder).filter((name) => name.endsWith('.deb'))
    return names.sort().map((name) => join(folder, name))
  }

  /** Fetches the lists of packages. A source that does not answer is no failure: the others may have what is wanted. */
  async update(progress: DownloadProgress) {
    await this.#fetch(['update'], progress)
  }

  /** Names of packages that begin with `prefix`. */
  async packageNames(prefix: string): Promise<string[]> {
    const { stdout } = await capture('apt-cache', [`-c=${this.#settings}`, 'pkgnames', prefix])
    return stdout.split('\n').filter((name) => name !== '')
  }

  /** What a package depends on by name; nothing if there is no such package. */
  async dependenciesOf(name: string): Promise<string[]> {
    const args = [`-c=${this.#settings}`, 'depends', '--important', name]
    const { stdout } = await capture('apt-cache', args).catch(() => ({ stdout: '' }))
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
    const args = [`-c=${this.#settings}`, '--quiet=2', ...command]
    const child = spawn('apt-get', args, { stdio: ['ignore', 'ignore', 'pipe', 'pipe'], timeout: fetchLimitMs })
    const kill = () => child.kill()
    process.once('exit', kill)
    let complaint = ''
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      complaint = (complaint + text).slice(-4000)
    })
    child.stdio[3]?.on('data', (bytes) => reportProgress(String(bytes), progress))
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', (error) => reject(new NotRun(`packages come by apt-get: ${error.message}`)))
      child.once('close', resolve)
    })
    process.removeListener('exit', kill)
    this.#warnings = importantLines(complaint)
    if (code === null) throw new NotRun(`apt-get ${command[0]} did not end within ${fetchLimitMs / 60_000} minutes`)
    if (code !== 0) throw new NotRun(`apt-get ${command[0]} failed: ${this.#warnings || complaint.trim()}`)
  }
}

/** Read after the machine's own settings, whose hooks must not run: they would tidy up the machine's caches. */
function settings(folder: string): string {
  return `
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Install-Pkgs;
#clear DPkg::Post-Invoke;
Dir::State "${folder}";
Dir::State::lists "${join(folder, 'lists')}";
Dir::State::status "${join(folder, 'status')}";
Dir::Cache "${folder}";
Dir::Cache::archives "${join(folder, 'archives')}";
Debug::NoLocking "true";
Acquire::Languages "none";
Acquire::http::Timeout "${networkPatienceSeconds}";
Acquire::https::Timeout "${networkPatienceSeconds}";
Acquire::Retries "3";
APT::Status-Fd "3";
// The user _apt cannot write into a private folder, and apt would warn about that for each file.
APT::Sandbox::User "";
`
}

/** Lines such as `dlstatus:3:41.2:Retrieving file 3 of 80 (12s remaining)`. */
function reportProgress(text: string, progress: DownloadProgress) {
  for (const [, percent, what] of text.matchAll(/^dlstatus:\d+:([\d.]+):(.*)$/gm)) progress(Number(percent) / 100, what)
}

function importantLines(complaint: string): string {
  const lines = complaint.split('\n').filter((line) => /^[EW]:/.test(line))
  return lines.slice(-3).join(' ')
}
