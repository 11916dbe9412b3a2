import { quickBuild } from '../build/quick-build.mjs'

/** `npm run build`: JavaScript of all packages, examples and measurements, as far as something changed. */
export async function run() {
  const start = performance.now()
  const { built, failed } = await quickBuild()
  for (const { name, reason } of failed) process.stderr.write(`${name} does not build: ${reason}\n`)
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  if (built.length > 0) process.stderr.write(`built ${built.join(', ')} in ${seconds} s\n`)
  return failed.length === 0 ? 0 : 1
}
