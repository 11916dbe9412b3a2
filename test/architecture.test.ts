import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ambientViolations, untypedViolations } from './architecture/code-rules.js'
import {
  arrowViolations,
  builtinViolations,
  reachViolations,
  undeclaredViolations,
} from './architecture/import-rules.js'
import { packageOf, readSources, repository } from './architecture/source-file.js'

const packages = readSources('packages', ['.ts']).filter(({ path }) => /^packages\/[^/]+\/src\//.test(path))
const programFolders = ['examples', 'bench/src', 'lab/src', 'lab/scenarios']
const programs = programFolders.flatMap((folder) => readSources(folder, ['.ts']))

function manifestOf(name: string) {
  const folder = ['examples', 'bench', 'lab'].includes(name) ? name : join('packages', name)
  return JSON.parse(readFileSync(join(repository, folder, 'package.json'), 'utf8'))
}

describe('the packages', () => {
  it('are there to be judged', () => {
    expect(new Set(packages.map(({ path }) => packageOf(path))).size).toBeGreaterThan(5)
  })

  it('import only from their left', () => {
    expect(arrowViolations([...packages, ...programs])).toEqual([])
  })

  it('import what Node has built in only in node-only files', () => {
    expect(builtinViolations(packages)).toEqual([])
  })

  it('reach no node-only file from index.ts', () => {
    expect(reachViolations(packages)).toEqual([])
  })

  it('declare every package that they import', () => {
    const withoutTests = programs.filter(({ path }) => !/^\w+\/test\//.test(path))
    expect(undeclaredViolations([...packages, ...withoutTests], manifestOf)).toEqual([])
  })

  it('take time and randomness from the Platform alone', () => {
    expect(ambientViolations(packages)).toEqual([])
  })

  it('are typed throughout', () => {
    expect(untypedViolations(packages)).toEqual([])
  })
})
