import type { CallOptions, Permission, XenStoreOperations } from '@split-driver/xenbus'
import { type DomainTracer, errorName } from './domain-tracer.js'

/** Characters of a value that a step shows. */
const SHOWN = 64

const shown = (text: string): string => (text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text)

const shownBytes = (bytes: Uint8Array): string => shown(new TextDecoder().decode(bytes.subarray(0, SHOWN * 4)))

/** What a request says beside its path, and what is shown of its answer. */
interface Told<T> {
  readonly value?: string
  readonly answer?: (result: T) => string
}

/** XenStore requests whose steps are recorded, and which teach what ports and grants are for. */
export class TracedStoreOperations implements XenStoreOperations {
  readonly #below: XenStoreOperations
  readonly #transaction: number

  /** @param transaction its number in the trace; 0 outside of any */
  constructor(
    below: XenStoreOperations,
    protected readonly tracer: DomainTracer,
    transaction: number,
  ) {
    this.#below = below
    this.#transaction = transaction
  }

  async read(path: string, options?: CallOptions): Promise<string> {
    return this.#learnt(path, await this.told('read', path, () => this.#below.read(path, options), { answer: shown }))
  }

  async tryRead(path: string, options?: CallOptions): Promise<string | undefined> {
    const answer = (value: string | undefined) => (value === undefined ? '' : shown(value))
    const value = await this.told('tryRead', path, () => this.#below.tryRead(path, options), { answer })
    return value === undefined ? undefined : this.#learnt(path, value)
  }

  readBytes(path: string, options?: CallOptions): Promise<Uint8Array> {
    return this.told('readBytes', path, () => this.#below.readBytes(path, options), { answer: shownBytes })
  }

  write(path: string, value: string | Uint8Array, options?: CallOptions): Promise<void> {
    if (typeof value === 'string') this.#learnt(path, value)
    const what = typeof value === 'string' ? shown(value) : shownBytes(value)
    return this.told('write', path, () => this.#below.write(path, value, options), { value: what })
  }

  mkdir(path: string, options?: CallOptions): Promise<void> {
    return this.told('mkdir', path, () => this.#below.mkdir(path, options))
  }

  rm(path: string, options?: CallOptions): Promise<void> {
    return this.told('rm', path, () => this.#below.rm(path, options))
  }

  directory(path: string, options?: CallOptions): Promise<string[]> {
    const answer = (names: string[]) => shown(names.join(' '))
    return this.told('directory', path, () => this.#below.directory(path, options), { answer })
  }

  getPermissions(path: string, options?: CallOptions): Promise<Permission[]> {
    return this.told('getPermissions', path, () => this.#below.getPermissions(path, options), {
      answer: shownPermissions,
    })
  }

  setPermissions(path: string, permissions: readonly Permission[], options?: CallOptions): Promise<void> {
    const value = shownPermissions(permissions)
    return this.told('setPermissions', path, () => this.#below.setPermissions(path, permissions, options), { value })
  }

  protected async told<T>(
    operation: string,
    path: string,
    ask: () => Promise<T>,
    { value = '', answer = () => '' }: Told<T> = {},
  ): Promise<T> {
    const { step, recorder } = this.tracer
    const call = recorder.nextNumber()
    step('xenstore.request', call, this.#transaction, operation, path, value)
    try {
      const result = await ask()
      step('xenstore.reply', call, 'ok', answer(result))
      return result
    } catch (error) {
      step('xenstore.reply', call, errorName(error), '')
      throw error
    }
  }

  #learnt(path: string, value: string): string {
    const { recorder, domid } = this.tracer
    recorder.names.learn(domid, path, value)
    return value
  }
}

const shownPermissions = (permissions: readonly Permission[]): string =>
  shown(permissions.map(({ domid, kind }) => `${kind} ${domid}`).join(', '))
