import { readdirSync } from 'node:fs'

/** What a folder holds, by name: every module there whose file name ends in `ending` and that has the export `key`. */
export async function registry<T>(folder: URL, ending: string, key: string): Promise<Map<string, T>> {
  const found = new Map<string, T>()
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith(ending)) continue
    const module = (await import(new URL(file, folder).href)) as Record<string, T | undefined>
    if (module[key] !== undefined) found.set(file.slice(0, -ending.length), module[key])
  }
  return found
}
