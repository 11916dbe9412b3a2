import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Apt } from '../src/apt.js'

it('a package that is not served is a reason not to run', () => {
  const apt = new Apt(mkdtempSync(join(tmpdir(), 'apt-')))
  expect(apt.notServed('xen')).toMatchObject({ name: 'NotRun', message: expect.stringMatching(/serve no xen; those/) })
})
