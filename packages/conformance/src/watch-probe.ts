import type { Clock, Platform } from '@split-driver/platform'
import type { Watch } from '@split-driver/xenbus'
import { assertList } from './assert.js'
import { eventually, quiet } from './wait.js'

/** A watch, and the paths that it was told. */
export class WatchProbe implements AsyncDisposable {
  readonly paths: string[]
  readonly #watch: Watch
  readonly #clock: Clock

  /** Registers a watch. Its own first event, which must come and be the only one, is left out of what follows (rule 44). */
  static async open({ xenstore, clock }: Pick<Platform, 'xenstore' | 'clock'>, path: string): Promise<WatchProbe> {
    const paths: string[] = []
    const probe = new WatchProbe(await xenstore.onChange(path, (changed) => paths.push(changed)), clock, paths)
    await probe.expect([path], `the first event of a watch on ${path}`)
    return probe
  }

  private constructor(watch: Watch, clock: Clock, paths: string[]) {
    this.#watch = watch
    this.#clock = clock
    this.paths = paths
  }

  /** Exactly these paths since the last call, and no more. */
  async expect(paths: readonly string[], what: string): Promise<void> {
    await eventually(this.#clock, () => this.paths.length >= paths.length, `${what}: ${paths.length} events`)
    await quiet(this.#clock)
    assertList(this.paths, paths, what)
    this.paths.length = 0
  }

  /** One event or several since the last call, all of this path: how often something is told is the server's affair. */
  async expectOnly(path: string, what: string): Promise<void> {
    await eventually(this.#clock, () => this.paths.length > 0, `${what}: an event`)
    await quiet(this.#clock)
    assertList([...new Set(this.paths)], [path], what)
    this.paths.length = 0
  }

  close(): Promise<void> {
    return this.#watch.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
