import { accessSync, constants, existsSync, readFileSync } from 'node:fs'

/** Looks at a host's files without ever failing: what cannot be read is not there. */

export const fileText = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}

export const fileNumber = (path: string): number | undefined => {
  const text = fileText(path)
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined
}

export const fileExists = (path: string): boolean => existsSync(path)

/** May this process do that with the file, as its mode and our user stand? */
export const isAllowed = (path: string, access: 'read' | 'write'): boolean => {
  try {
    accessSync(path, access === 'read' ? constants.R_OK : constants.W_OK)
    return true
  } catch {
    return false
  }
}
