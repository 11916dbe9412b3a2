// `npm run clean`: removes everything that was built; node_modules stays.
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './root.mjs'

const folders = ['', 'examples', 'bench', ...readdirSync(join(root, 'packages')).map((name) => join('packages', name))]
for (const folder of folders) {
  for (const made of ['dist', '.dist-next', '.types', '.cache']) {
    rmSync(join(root, folder, made), { recursive: true, force: true })
  }
}
