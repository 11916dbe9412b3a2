import { buildDeclarations } from '../build/declarations.mjs'
import { run as build } from './build.mjs'

/** `npm run build:types`: JavaScript and then the declarations that are published with it. */
export async function run() {
  const code = await build()
  if (code !== 0) return code
  try {
    await buildDeclarations()
    return 0
  } catch (error) {
    process.stderr.write(`declarations: ${error.message}\n`)
    return 1
  }
}
