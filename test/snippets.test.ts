import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { snippetBlocks } from '../scripts/check/snippet-blocks.mjs'
import { checkSnippets } from '../scripts/check/snippets.mjs'
import { repository } from './architecture/source-file.js'

let folder: string

beforeEach(() => {
  mkdirSync(join(repository, '.cache'), { recursive: true })
  folder = mkdtempSync(join(repository, '.cache', 'snippets-'))
})

afterEach(() => {
  rmSync(folder, { recursive: true })
})

function complaintsAbout(code: string): Promise<string[]> {
  writeFileSync(join(folder, 'README.md'), `# Title\n\n\`\`\`ts\n${code}\n\`\`\`\n`)
  return checkSnippets([relative(repository, join(folder, 'README.md'))])
}

it('takes the blocks tagged ts, with their lines, and no others', () => {
  const text =
    '```ts\na\n```\n```ts fragment\nb\n```\n````md\n```ts\nc\n```\n````\n```js\nd\n```\n  ```ts\n  e\n  ```\n'
  expect(snippetBlocks('README.md', text)).toEqual([
    { file: 'README.md', line: 2, code: 'a\n' },
    { file: 'README.md', line: 16, code: '  e\n' },
  ])
})

it('a snippet that runs holds, with packages and disposal', async () => {
  const code = `import * as abi from '@split-driver/abi'
    await using x = { [Symbol.asyncDispose]: async () => {} }
    if (Object.keys(abi).length === 0 || x === undefined) throw new Error('nothing there')`
  expect(await complaintsAbout(code)).toEqual([])
})

it('a snippet that throws fails', async () => {
  const complaints = await complaintsAbout("throw new Error('no such thing')")
  expect(complaints).toHaveLength(1)
  expect(complaints[0]).toContain('no such thing')
})

it('a snippet with a wrong type fails at its line of the document', async () => {
  const complaints = await complaintsAbout("\nconst x: number = 'text'\nx.toString()")
  expect(complaints).toHaveLength(1)
  expect(complaints[0]).toMatch(/README\.md:5 Type 'string' is not assignable/)
})
