/**
 * @typedef {{ file: string, line: number, code: string }} Snippet `line` is that of the first line of code, from 1.
 */

/**
 * The blocks of a Markdown text that are fenced as exactly `ts`; a block tagged `ts fragment` is shown, not run.
 * @returns {Snippet[]}
 */
export function snippetBlocks(file, text) {
  /** @type {Snippet[]} */
  const snippets = []
  /** @type {{ fence: string, tag: string, line: number, code: string[] } | undefined} */
  let open
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const fence = /^\s*(`{3,})\s*(.*?)\s*$/.exec(line)
    if (open === undefined) {
      if (fence !== null) open = { fence: fence[1], tag: fence[2], line: index + 2, code: [] }
    } else if (fence !== null && fence[2] === '' && fence[1].length >= open.fence.length) {
      if (open.tag === 'ts') snippets.push({ file, line: open.line, code: `${open.code.join('\n')}\n` })
      open = undefined
    } else {
      open.code.push(line)
    }
  }
  return snippets
}
