// `npm run clean`: removes everything that was built; node_modules stays.
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './root.mjs'

const folders = [
  '',
  'examples',
  'bench',
  'lab',
  ...readdirSync(join(root, 'packages')).map((name) => join('packages', name)),
]
for (const folder of folders) {
  for (const name of readdirSync(join(root, folder))) {
    if (/^(dist|\.dist-next-.*|\.types|\.cache)$/.test(name)) rmSync(join(root, folder, name), { recursive: true })
  }
}
