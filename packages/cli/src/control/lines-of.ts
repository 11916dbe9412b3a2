import { XenError } from '@split-driver/abi'
import { MAX_LINE_BYTES } from './operations.js'

/**
 * The lines of a stream, without their ends; what is left behind the last one is dropped.
 * @throws XenError EPROTO for a line that is too long
 */
export async function* linesOf(input: AsyncIterable<Buffer>): AsyncGenerator<string, void, undefined> {
  let parts: Buffer[] = []
  let held = 0
  for await (const chunk of input) {
    let begin = 0
    for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n', begin)) {
      yield Buffer.concat([...parts, chunk.subarray(begin, end)]).toString('utf8')
      begin = end + 1
      ;[parts, held] = [[], 0]
    }
    held += chunk.length - begin
    if (held > MAX_LINE_BYTES) throw new XenError('EPROTO', `a line is longer than ${MAX_LINE_BYTES} bytes`)
    parts.push(chunk.subarray(begin))
  }
}
