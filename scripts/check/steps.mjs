import { buildDeclarations } from '../build/declarations.mjs'
import { quickBuild } from '../build/quick-build.mjs'
import { binOf, spawnCaptured } from '../spawn.mjs'
import { checkSnippets } from './snippets.mjs'
import { checkTarballs } from './tarballs.mjs'

const houseTests = ['test/architecture', 'test/house-style', 'test/workspace', 'test/snippets', 'test/quick-build']

/**
 * What `npm run check` does, in order. A step resolves to what is wrong, in words; nothing means that it holds.
 * @type {{ name: string, run: () => Promise<string[]> }[]}
 */
export const steps = [
  { name: 'lint and format', run: () => node(binOf('@biomejs/biome'), 'ci', '--error-on-warnings', '--colors=off') },
  { name: 'types', run: () => node(binOf('typescript', 'tsc'), '-b', '--pretty', 'false') },
  { name: 'build', run: buildAll },
  { name: 'arrows, core, house style', run: () => node(binOf('vitest'), 'run', ...houseTests) },
  { name: 'declarations', run: () => buildDeclarations().then(() => []) },
  { name: 'packages: publint, attw', run: checkTarballs },
  { name: "documents' snippets", run: () => checkSnippets() },
]

async function node(...args) {
  const { code, output } = await spawnCaptured(process.execPath, args, { env: { ...process.env, NO_COLOR: '1' } })
  return code === 0 ? [] : [output.trim()]
}

async function buildAll() {
  const { failed } = await quickBuild()
  return failed.map(({ name, reason }) => `${name} does not build: ${reason}`)
}
