import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const require = createRequire(import.meta.url)
const packages = join(import.meta.dirname, '..', 'packages')

/** Every entry that a source file promises, as a consumer names it. */
const specifiers = readdirSync(packages).flatMap((name) => [
  ...(existsSync(join(packages, name, 'src', 'index.ts')) ? [`@split-driver/${name}`] : []),
  ...(existsSync(join(packages, name, 'src', 'node.ts')) ? [`@split-driver/${name}/node`] : []),
])

describe.each(specifiers)('%s', (specifier) => {
  it('loads as an ES module and as CommonJS, with the same names', async () => {
    const esm = await import(specifier)
    expect(Object.keys(require(specifier)).sort()).toEqual(Object.keys(esm).sort())
  })
})
