import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { quickBuild } from '../scripts/build/quick-build.mjs'
import { repository } from './architecture/source-file.js'

const require = createRequire(import.meta.url)
let folder: string
let name: string

beforeEach(() => {
  mkdirSync(join(repository, '.cache'), { recursive: true })
  folder = mkdtempSync(join(repository, '.cache', 'built-'))
  name = basename(folder)
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(
    join(folder, 'shared.ts'),
    'export class Shared { readonly #own = 1; static is(x: object) { return #own in x } }',
  )
  writeFileSync(join(folder, 'index.ts'), "export { Shared } from './shared.js'\nexport const here = import.meta.url\n")
  writeFileSync(join(folder, 'node.ts'), "import { Shared } from './shared.js'\nexport const made = new Shared()\n")
})

afterEach(() => {
  rmSync(folder, { recursive: true })
  rmSync(join(repository, '.cache', 'build', `${name}.json`), { force: true })
})

function build() {
  const path = `.cache/${name}`
  const entries = { index: `${path}/index.ts`, node: `${path}/node.ts` }
  return quickBuild(() => [
    { name, folder: path, sources: [`${path}/shared.ts`, ...Object.values(entries)], entries, library: true },
  ])
}

const output = (file: string) => join(folder, 'dist', file)

it('builds both module kinds, in which two entries share one class', async () => {
  expect(await build()).toEqual({ built: [name], failed: [] })
  const esm = await import(pathToFileURL(output('index.js')).href)
  expect(esm.Shared.is((await import(pathToFileURL(output('node.js')).href)).made)).toBe(true)
  expect(require(output('index.cjs')).Shared.is(require(output('node.cjs')).made)).toBe(true)
})

it('knows the place of its own file in both module kinds', async () => {
  await build()
  const dist = pathToFileURL(`${join(folder, 'dist')}/`).href
  const esm = await import(pathToFileURL(output('index.js')).href)
  for (const { here } of [esm, require(output('index.cjs'))]) expect(new URL('.', here).href).toBe(dist)
})

it('does nothing until a byte of the sources changes or an output goes away', async () => {
  await build()
  expect((await build()).built).toEqual([])
  writeFileSync(join(folder, 'index.ts'), 'export const other = 1\n')
  expect((await build()).built).toEqual([name])
  rmSync(output('node.cjs'))
  expect((await build()).built).toEqual([name])
})

it('takes the old output away from a package that does not build', async () => {
  await build()
  writeFileSync(join(folder, 'index.ts'), "export * from './gone.js'\n")
  const { failed } = await build()
  expect(failed.map((failure) => failure.name)).toEqual([name])
  expect(existsSync(output('index.js'))).toBe(false)
})
