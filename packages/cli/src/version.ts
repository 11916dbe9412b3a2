import { readFileSync } from 'node:fs'

/** Of this package, from its own manifest. */
export const version = (): string => {
  const manifest: { version: string } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  return manifest.version
}
