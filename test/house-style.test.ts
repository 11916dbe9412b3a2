import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { foreignPlaceViolations, lengthViolations, nameViolations } from './architecture/file-rules.js'
import { readSources, repository } from './architecture/source-file.js'

const folders = ['packages', 'examples', 'bench', 'lab', 'scripts', 'test']
const sources = folders.flatMap((folder) => readSources(folder, ['.ts', '.mjs', '.c']))

/** Nothing that git keeps is left out, but for pictures and images of disks. */
function keptTexts() {
  return execFileSync('git', ['ls-files', '-z'], { cwd: repository, encoding: 'utf8' })
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(repository, path)))
    .map((path) => ({ path, text: readFileSync(join(repository, path), 'utf8') }))
    .filter(({ text }) => !text.includes('\0'))
}

it('no source file is longer than 300 lines', () => {
  expect(lengthViolations(sources)).toEqual([])
})

it('file names say what is in the file', () => {
  expect(nameViolations(sources)).toEqual([])
})

// What is kept, only git knows; a copy without it has nothing to ask.
it.skipIf(!existsSync(join(repository, '.git')))('no text names a registry host or a folder of one machine', () => {
  // The samples of the rule's own test are bad on purpose.
  const texts = keptTexts().filter(({ path }) => !path.startsWith('test/architecture/'))
  expect(foreignPlaceViolations(texts)).toEqual([])
})
