import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { publishedLibraries } from '../build/packages.mjs'
import { pnpmCaptured } from '../pnpm.mjs'
import { root } from '../root.mjs'
import { binOf, spawnCaptured } from '../spawn.mjs'

const folder = join(root, '.cache', 'tarballs')

/** Packs every published library and has both judges look at what is in the tarball. */
export async function checkTarballs() {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const filters = publishedLibraries().map(({ name }) => `--filter=@split-driver/${name}`)
  const packed = await pnpmCaptured([...filters, '-r', 'pack', '--pack-destination', folder])
  if (packed.code !== 0) return [packed.output]
  const tarballs = readdirSync(folder).sort()
  if (tarballs.length !== filters.length) return [`${tarballs.length} of ${filters.length} packages were packed`]
  const outcomes = await Promise.all([
    judgeAll('publint', ['--strict'], tarballs),
    judgeAll('@arethetypeswrong/cli', [], tarballs),
  ])
  return outcomes.flat()
}

/** One judge takes the tarballs one by one; the two judges work side by side. */
async function judgeAll(judge, options, tarballs) {
  const complaints = []
  const bin = judge === 'publint' ? binOf(judge) : binOf(judge, 'attw')
  for (const tarball of tarballs) {
    const { code, output } = await spawnCaptured(process.execPath, [bin, join(folder, tarball), ...options])
    if (code !== 0) complaints.push(`${judge} on ${tarball}:\n${output.trim()}`)
  }
  return complaints
}
