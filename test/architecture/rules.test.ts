import { describe, expect, it } from 'vitest'
import { ambientViolations, untypedViolations } from './code-rules.js'
import { foreignPlaceViolations, lengthViolations, nameViolations } from './file-rules.js'
import { arrowViolations, builtinViolations, reachViolations, undeclaredViolations } from './import-rules.js'

const at = (path: string, text = '') => ({ path, text })
const ring = (text: string) => [at('packages/ring/src/index.ts', text)]

describe('arrows', () => {
  it.each([
    ['to the right', "import { x } from '@split-driver/platform'"],
    ['to the right, types only', "import type { X } from '@split-driver/platform'"],
    ['to the right, passed on', "export * from '@split-driver/evtchn'"],
    ['to the right, later', "const x = await import('@split-driver/evtchn')"],
    ['to the right, in a type', "type X = import('@split-driver/evtchn').X"],
    ['to the right, by an old word', "import x = require('@split-driver/evtchn')"],
    ['to itself', "import { x } from '@split-driver/ring'"],
    ['to nowhere', "import { x } from '@split-driver/unheard-of'"],
    ['out of the package', "import { x } from '../../abi/src/index.js'"],
  ])('fail %s', (_, text) => {
    expect(arrowViolations(ring(text))).toHaveLength(1)
  })

  it('fail between neighbours of one layer', () => {
    const text = "import { x } from '@split-driver/emulator/node'"
    expect(arrowViolations([at('packages/blkif/src/frontend.ts', text)])).toHaveLength(1)
    expect(arrowViolations([at('bench/src/x.ts', "import { x } from '@split-driver/examples'")])).toHaveLength(1)
  })

  it('hold to the left, within the package, and for words in comments and strings', () => {
    const text = `import { x } from '@split-driver/abi'
      import { y } from './y.js'
      // import { z } from '@split-driver/platform'
      const s = "import { z } from '@split-driver/platform'"`
    expect(arrowViolations(ring(text))).toEqual([])
  })
})

describe('built-ins', () => {
  it.each(["import 'node:fs'", "import fs from 'fs'", "export * from 'node:events'", "await import('worker_threads')"])(
    'fail in the core: %s',
    (text) => {
      expect(builtinViolations(ring(text))).toHaveLength(1)
    },
  )

  it('hold in node-only files, and for the events package', () => {
    const text = "import 'node:fs'"
    const nodeOnly = ['node.ts', 'node/file.ts', 'domain-worker.ts', 'deep/domain-worker.ts']
    expect(builtinViolations(nodeOnly.map((name) => at(`packages/ring/src/${name}`, text)))).toEqual([])
    expect(builtinViolations(ring("import { EventEmitter } from 'events'"))).toEqual([])
  })
})

describe('reach', () => {
  it.each(['./node/file.js', './node.js', './x-worker.js'])(
    'fails when index.ts comes to %s by a detour',
    (specifier) => {
      const files = [
        at('packages/ring/src/index.ts', "export * from './a.js'"),
        at('packages/ring/src/a.ts', `export { x } from '${specifier}'`),
      ]
      expect(reachViolations(files)).toHaveLength(1)
    },
  )

  it("fails on another package's node entry, and holds for node.ts itself", () => {
    expect(reachViolations(ring("import '@split-driver/abi/node'"))).toHaveLength(1)
    expect(reachViolations([at('packages/ring/src/node.ts', "import './node/file.js'")])).toEqual([])
  })
})

it('undeclared imports fail; declared ones, built-ins and relative ones hold', () => {
  const manifest = { dependencies: { rxjs: '', '@split-driver/abi': '' }, devDependencies: { 'fast-check': '' } }
  const specifiers = ['rxjs/operators', '@split-driver/abi', './x.js', 'node:fs', 'fast-check', 'events']
  const files = ring(specifiers.map((specifier) => `import '${specifier}'`).join('\n'))
  expect(undeclaredViolations(files, () => manifest)).toEqual([
    'packages/ring/src/index.ts:5 imports fast-check, which package.json does not declare',
    'packages/ring/src/index.ts:6 imports events, which package.json does not declare',
  ])
})

describe('ambient time and randomness', () => {
  it.each([
    'Date.now()',
    'new Date()',
    'globalThis.Date.now()',
    "Date['now']()",
    'const { now } = Date',
    'const { now: clock } = performance',
    'Math.random()',
    'performance.now()',
    'setTimeout(f, 1)',
    'globalThis.setInterval(f, 1)',
    "globalThis['setImmediate'](f)",
  ])('fail: %s', (text) => {
    expect(ambientViolations(ring(text))).toHaveLength(1)
  })

  it('hold in the allowed places, in comments, and for what is handed in', () => {
    const text = '// Date.now()\nclock.now(); Math.max(1, 2); new Date(0); clock.setTimer(1, f)'
    expect(ambientViolations(ring(text))).toEqual([])
    const allowed = ['packages/emulator/src/host-clock.ts', 'packages/emulator/src/node/clock.ts']
    expect(ambientViolations(allowed.map((path) => at(path, 'Date.now()')))).toEqual([])
    expect(ambientViolations([at('packages/blkif/src/host-clock.ts', 'Date.now()')])).toHaveLength(1)
  })
})

it.each(['let x: any', 'f(x as any)', 'type X = Array<any>', '// @ts-ignore', '// @ts-nocheck'])(
  'untyped code fails: %s',
  (text) => {
    expect(untypedViolations(ring(text))).toHaveLength(1)
  },
)

it('the word any holds where it is no type', () => {
  expect(untypedViolations(ring('// any\nconst any = Promise.any'))).toEqual([])
})

it('a file of 301 lines fails, one of 300 holds', () => {
  expect(lengthViolations([at('a.ts', 'x\n'.repeat(300))])).toEqual([])
  expect(lengthViolations([at('a.ts', 'x\n'.repeat(301))])).toEqual(['a.ts has 301 lines, 300 are allowed'])
})

it.each(['src/utils.ts', 'src/string-helpers.ts', 'src/common/x.ts', 'src/port-manager.ts', 'src/ringBuffer.ts'])(
  'the file name %s fails',
  (path) => {
    expect(nameViolations([at(path)])).toHaveLength(1)
  },
)

it('plain file names hold', () => {
  const paths = [
    'src/index.ts',
    'test/two-level-events.test.ts',
    'bench/src/ring.bench.ts',
    'examples/01-echo-ring/main.ts',
  ]
  expect(nameViolations(paths.map((path) => at(path)))).toEqual([])
})

it.each(['https://registry.example.com/x', '  tarball: x', 'cd /work/here', '"/home/me/x"'])(
  'the text %s fails',
  (text) => {
    expect(foreignPlaceViolations([at('README.md', text)])).toHaveLength(1)
  },
)

it('relative paths, devices and XenStore paths hold', () => {
  const text = 'examples/home/x ./work/x /dev/xen/evtchn /local/domain/1 registry.ts'
  expect(foreignPlaceViolations([at('README.md', text)])).toEqual([])
})
