import { XenError } from '@split-driver/abi'
import type { XenStoreOperations } from '@split-driver/xenbus'
import { ExitCode } from '../exit-code.js'
import { inOne, type StoreTool } from './store-tool.js'
import { valueBytes } from './value-bytes.js'

/** xenstore-write. */
export const write = async ({ store }: StoreTool, operands: string[], { raw }: { raw: boolean }): Promise<ExitCode> => {
  if (operands.length % 2 !== 0) throw new XenError('EINVAL', `write: "${operands.at(-1)}" has no value behind it`)
  await inOne(store, operands.length > 2, async (t) => {
    for (let i = 0; i < operands.length; i += 2) {
      const value = operands[i + 1]!
      await t.write(operands[i]!, raw ? value : valueBytes(value))
    }
  })
  return ExitCode.Okay
}

/** xenstore-rm: what is not there already is no error, if that which it would be in is there. */
export const rm = async ({ store }: StoreTool, paths: string[], { tidy }: { tidy: boolean }): Promise<ExitCode> => {
  await inOne(store, tidy || paths.length > 1, async (t) => {
    for (const path of paths) {
      await t.rm(path)
      if (tidy) await removeBareParents(t, path)
    }
  })
  return ExitCode.Okay
}

/** Those that have neither a value nor a child, up to the first that has. */
const removeBareParents = async (store: XenStoreOperations, path: string): Promise<void> => {
  for (let parent = above(path); parent !== ''; parent = above(parent)) {
    if (!(await isBare(store, parent))) return
    await store.rm(parent)
  }
}

/** Empty below the root, and below a relative path's first name. */
const above = (path: string): string => path.slice(0, Math.max(path.lastIndexOf('/'), 0))

const isBare = async (store: XenStoreOperations, path: string): Promise<boolean> => {
  try {
    const [value, children] = await Promise.all([store.readBytes(path), store.directory(path)])
    return value.length === 0 && children.length === 0
  } catch (error) {
    if (XenError.is(error)) return false
    throw error
  }
}
