import { once } from 'node:events'
import { XenError } from '@split-driver/abi'
import { type Permission, parsePermission, type XenStore, type XenStoreOperations } from '@split-driver/xenbus'
import { InvalidArgumentError } from 'commander'
import { ConfigError } from '../config/config-error.js'
import { ExitCode } from '../exit-code.js'
import { type ListOptions, listTree } from './list-tree.js'
import { valueText } from './value-text.js'

/** Waits for a slow reader: a tree may be large. */
const print = async (line: string | Uint8Array): Promise<void> => {
  const { stdout } = process
  if (!stdout.write(typeof line === 'string' ? `${line}\n` : line)) await once(stdout, 'drain')
}

export const ls = async (store: XenStore, [path = '/']: string[], options: ListOptions): Promise<ExitCode> => {
  for await (const line of listTree(store, path, options)) await print(line)
  return ExitCode.Okay
}

export const list = async (store: XenStore, paths: string[]): Promise<ExitCode> => {
  for (const path of paths) for (const name of await store.directory(path)) await print(name)
  return ExitCode.Okay
}

export const read = async (store: XenStore, paths: string[], { raw }: { readonly raw: boolean }): Promise<ExitCode> => {
  for (const path of paths) {
    const value = await store.readBytes(path)
    await print(raw ? value : valueText(value))
  }
  return ExitCode.Okay
}

export const write = async (store: XenStore, operands: string[]): Promise<ExitCode> => {
  if (operands.length % 2 !== 0) throw new ConfigError('write', `"${operands.at(-1)}" has no value behind it`)
  await inOne(store, operands.length > 2, async (t) => {
    for (let i = 0; i < operands.length; i += 2) await t.write(operands[i]!, operands[i + 1]!)
  })
  return ExitCode.Okay
}

export const rm = async (store: XenStore, paths: string[]): Promise<ExitCode> => {
  await inOne(store, paths.length > 1, async (t) => {
    for (const path of paths) {
      if ((await t.tryRead(path)) === undefined) throw new XenError('ENOENT', `there is no ${path}`)
      await t.rm(path)
    }
  })
  return ExitCode.Okay
}

export const exists = async (store: XenStore, paths: string[]): Promise<ExitCode> => {
  for (const path of paths) if ((await store.tryRead(path)) === undefined) return ExitCode.Failed
  return ExitCode.Okay
}

export const chmod = async (
  store: XenStore,
  [path = '', ...texts]: string[],
  { recursive }: { readonly recursive: boolean },
): Promise<ExitCode> => {
  const permissions = texts.map(permission)
  await inOne(store, recursive, (t) => setPermissions(t, path, permissions, recursive))
  return ExitCode.Okay
}

export const watch = async (
  store: XenStore,
  paths: string[],
  { count = Number.POSITIVE_INFINITY }: { readonly count?: number },
): Promise<ExitCode> => {
  let left = count
  const watches = await Promise.all(paths.map((path) => store.watch(path)))
  const closeAll = () => Promise.all(watches.map((one) => one.close()))
  const follow = async (events: AsyncIterable<string>): Promise<void> => {
    for await (const path of events) {
      if (left-- > 0) await print(path)
      if (left <= 0) await closeAll()
    }
  }
  await Promise.all(watches.map(follow))
  return left <= 0 ? ExitCode.Okay : lost()
}

const lost = (): never => {
  throw new XenError('CLOSED', 'the connection to XenStore has ended')
}

export const lineCount = (text: string): number => {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Expected a whole number from 1.')
}

const permission = (text: string): Permission => {
  const parsed = parsePermission(text)
  if (parsed !== undefined) return parsed
  throw new ConfigError('chmod', `"${text}" is no permission; expected n, r, w or b and a domain's number, such as r1`)
}

const setPermissions = async (
  store: XenStoreOperations,
  path: string,
  permissions: readonly Permission[],
  recursive: boolean,
): Promise<void> => {
  await store.setPermissions(path, permissions)
  if (!recursive) return
  for (const name of await store.directory(path))
    await setPermissions(store, `${path.replace(/\/$/, '')}/${name}`, permissions, true)
}

/** A single operation needs no transaction. */
const inOne = (
  store: XenStore,
  together: boolean,
  body: (store: XenStoreOperations) => Promise<void>,
): Promise<void> => (together ? store.transaction(body) : body(store))
