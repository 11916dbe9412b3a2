import { ExitCode } from '../exit-code.js'
import { printInOne, type StoreTool } from './store-tool.js'
import { treeText } from './tree-text.js'
import { valueText } from './value-text.js'

export interface LsOptions {
  readonly flat: boolean
  readonly prefix: boolean
}

/** xenstore-ls. */
export const ls = async ({ store, output }: StoreTool, paths: string[], options: LsOptions): Promise<ExitCode> => {
  const { flat, prefix: permissions } = options
  for (const path of paths.length === 0 ? ['/'] : paths)
    for await (const line of treeText(store, path, { flat, permissions }, output)) await output.print(line)
  return ExitCode.Okay
}

/** xenstore-list. */
export const list = async (tool: StoreTool, paths: string[], { prefix }: { prefix: boolean }): Promise<ExitCode> => {
  await printInOne(tool, paths.length > 1, async (store, print) => {
    for (const path of paths)
      for (const name of await store.directory(path)) print(prefix ? `${path}/${name}\n` : `${name}\n`)
  })
  return ExitCode.Okay
}

export interface ReadOptions {
  readonly prefix: boolean
  readonly raw: boolean
}

/** xenstore-read. */
export const read = async (tool: StoreTool, paths: string[], { prefix, raw }: ReadOptions): Promise<ExitCode> => {
  await printInOne(tool, paths.length > 1, async (store, print) => {
    for (const path of paths) {
      const value = await store.readBytes(path)
      if (prefix) print(`${path}: `)
      print(raw ? value : `${valueText(value)}\n`)
    }
  })
  return ExitCode.Okay
}

/** xenstore-exists: what cannot be read is not there. */
export const exists = async ({ store }: StoreTool, paths: string[]): Promise<ExitCode> => {
  for (const path of paths) if ((await store.tryRead(path)) === undefined) return ExitCode.Failed
  return ExitCode.Okay
}
