import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const libraryFolders = ['lib/x86_64-linux-gnu', 'usr/lib/x86_64-linux-gnu']

/**
 * A folder with unpacked packages, as if it were the root of another machine. Its programs run from there with its own
 * loader and libraries: nothing is installed, and nothing of this machine but its kernel takes part.
 */
export class ForeignRoot {
  constructor(readonly folder: string) {}

  /** Where `path` (absolute, in that root) lies on this machine. */
  at(path: string) {
    return join(this.folder, path)
  }

  has(path: string) {
    return existsSync(this.at(path))
  }

  /** The first of `folders` that has `name`, with it: distributions differ in what lies in /sbin and what in /usr/sbin. */
  find(name: string, folders = ['/usr/bin', '/bin', '/usr/sbin', '/sbin']): string {
    const path = folders.map((folder) => `${folder}/${name}`).find((candidate) => this.has(candidate))
    if (path === undefined) throw new Error(`no fetched package holds ${name}`)
    return path
  }

  list(path: string): string[] {
    return this.has(path) ? readdirSync(this.at(path)).sort() : []
  }

  /** Command line that runs a dynamic program of this root. */
  command(program: string, args: readonly string[]): [string, ...string[]] {
    return this.commandOf(this.at(program), args)
  }

  /** Command line that runs a program of this machine with the libraries of this root. */
  commandOf(program: string, args: readonly string[]): [string, ...string[]] {
    return [this.#loader(), '--library-path', this.#libraryPath(), program, ...args]
  }

  /** The libraries that a program needs, as files on this machine. Throws when one is missing. */
  librariesOf(program: string): string[] {
    const output = execFileSync(this.#loader(), ['--library-path', this.#libraryPath(), '--list', program], {
      encoding: 'utf8',
    })
    const missing = /^\s*(\S+) => not found/m.exec(output)
    if (missing !== null) throw new Error(`${program} needs ${missing[1]}, which no fetched package holds`)
    return [...output.matchAll(/=> (\/\S+)/g)].map(([, file]) => file)
  }

  #loader() {
    // Not the one of /lib64: that is an absolute link and leads to this machine's own.
    const loader = libraryFolders.map((folder) => join(folder, 'ld-linux-x86-64.so.2')).find((path) => this.has(path))
    if (loader === undefined) throw new Error(`${this.folder} holds no ld-linux-x86-64.so.2`)
    return this.at(loader)
  }

  #libraryPath() {
    return libraryFolders.map((path) => this.at(path)).join(':')
  }
}
