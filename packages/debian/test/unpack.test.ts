import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { unpack } from '../src/unpack.js'

const withDpkg = it.skipIf(spawnSync('dpkg-deb', ['--version']).status !== 0)
const control =
  'Package: sample\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@example.com>\nDescription: x\n'

function archiveOf(files: Record<string, string>): string {
  const source = mkdtempSync(join(tmpdir(), 'deb-'))
  for (const [path, text] of Object.entries({ 'DEBIAN/control': control, ...files })) {
    mkdirSync(dirname(join(source, path)), { recursive: true })
    writeFileSync(join(source, path), text)
  }
  execFileSync('dpkg-deb', ['--build', '--root-owner-group', source, `${source}.deb`], { stdio: 'ignore' })
  return `${source}.deb`
}

withDpkg('a package is unpacked but for what is unwanted, and its scripts are no part of it', async () => {
  const archive = archiveOf({ 'usr/bin/tool': 'tool', 'usr/share/doc/tool': 'doc', 'usr/lib/python3.9/x': 'x' })
  const folder = mkdtempSync(join(tmpdir(), 'root-'))
  await unpack(archive, folder, ['./usr/share/doc', './usr/lib/python3*'])
  expect(readFileSync(join(folder, 'usr/bin/tool'), 'utf8')).toBe('tool')
  expect(['usr/share/doc', 'usr/lib/python3.9', 'DEBIAN'].filter((path) => existsSync(join(folder, path)))).toEqual([])
})

withDpkg('what is no package is a reason not to run, with what the tool said', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'deb-')), "it's no package.deb")
  writeFileSync(file, 'nothing')
  const failure = await unpack(file, tmpdir(), []).catch((error: Error) => error)
  expect(failure).toMatchObject({ name: 'NotRun', message: expect.stringMatching(/cannot be unpacked: .*archive/) })
})
