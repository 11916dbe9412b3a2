import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ImageTree } from '../../../src/host/image/image-tree.js'

const folder = mkdtempSync(join(tmpdir(), 'tree-'))

/** Names in an archive, in its order. */
function namesIn(tree: ImageTree): string[] {
  const path = join(folder, 'archive')
  tree.write(path)
  const archive = readFileSync(path, 'latin1')
  return [...archive.matchAll(/070701[0-9A-F]{104}([^\0]+)\0/g)].map(([, name]) => name)
}

it('parents come before what is in them', () => {
  const tree = new ImageTree()
  tree.text('/a/b/c', '')
  tree.text('/a-b', '')
  expect(namesIn(tree)).toEqual(['a', 'a-b', 'a/b', 'a/b/c', 'TRAILER!!!'])
})

it('a folder comes with all that is wanted, links as links', () => {
  const source = join(folder, 'source')
  mkdirSync(join(source, 'deep'), { recursive: true })
  writeFileSync(join(source, 'deep', 'kept.js'), 'x')
  writeFileSync(join(source, 'deep', 'left.map'), 'x')
  symlinkSync('deep/kept.js', join(source, 'link'))
  const tree = new ImageTree()
  tree.folder('/there', source, (path) => !path.endsWith('.map'))
  expect(namesIn(tree)).toEqual(['there', 'there/deep', 'there/deep/kept.js', 'there/link', 'TRAILER!!!'])
  expect(tree.sourceOf('/there/deep/kept.js')).toBe(join(source, 'deep', 'kept.js'))
  expect(tree.sourceOf('/there/link')).toBeUndefined()
})

it('the same path twice holds what came last', () => {
  const tree = new ImageTree()
  tree.text('/a', 'first')
  tree.link('/a', 'last')
  expect(namesIn(tree)).toEqual(['a', 'TRAILER!!!'])
  expect(readFileSync(join(folder, 'archive'), 'latin1')).toContain('last')
})
