import type { XenTools } from '../xenstore-peers/index.js'

/** Repetitions of each of its tests in one round. */
const ITERATIONS = 100

/** `read 1    : avg: 12000 ns (8000 ns .. 90000 ns)` */
const LINE = /^(.*\S)\s*: avg: (\d+) ns/gm

/** Microseconds that each of libxenstore's own timings takes, by its name: for each daemon the best of rounds by turns. */
export const timeByTestXenstore = async (
  tools: ReadonlyMap<string, XenTools>,
  rounds: number,
): Promise<Map<string, Map<string, number>>> => {
  const best = new Map([...tools.keys()].map((name) => [name, new Map<string, number>()]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, tool] of tools) {
      const figures = best.get(name)!
      for (const [test, time] of await timings(tool))
        figures.set(test, Math.min(time, figures.get(test) ?? Number.POSITIVE_INFINITY))
    }
  }
  return best
}

/** @throws Error if one of its tests fails */
const timings = async (tool: XenTools): Promise<[string, number][]> => {
  const { code, stdout, stderr } = await tool.run('test-xenstore', '-i', `${ITERATIONS}`)
  const found = [...stdout.matchAll(LINE)].map(([, test, ns]): [string, number] => [test!, Number(ns) / 1000])
  if (code !== 0 || found.length === 0) throw new Error(`test-xenstore ended with ${code}: ${stdout}${stderr}`)
  return found
}
