import { quickBuild } from '../build/quick-build.mjs'

/**
 * Tests import packages through dist. A package that does not build loses its dist, so whatever uses it fails by itself,
 * and test/workspace.test.ts fails in any case; tests that do not need it may go on.
 */
export async function setup() {
  const { failed } = await quickBuild()
  for (const { name, reason } of failed) process.stderr.write(`${name} does not build: ${reason}\n`)
}
