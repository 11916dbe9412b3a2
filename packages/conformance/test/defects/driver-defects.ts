import type { Port } from '@split-driver/abi'
import { type DefectRow, losing } from './defect-row.js'
import type { Defect } from './defective-world.js'

const lost: Defect = { events: (right) => ({ notify: losing(7, (port: Port) => right.notify(port)) }) }
const leaking: Defect = { mapper: () => ({ unmap: () => {} }) }

export const consoleDefects: DefectRow[] = [
  ['one notification in 7 is lost', 'rule 58: output', lost],
  ['one notification in 7 is lost', 'rule 58: input', lost],
  ['mappings are never ended', 'a guest that is destroyed', leaking],
]

export const blockDefects: DefectRow[] = [
  ['one notification in 7 is lost', 'random transfers, many at once, in the native layout, one', lost],
  ['mappings are never ended', 'B5', leaking],
]
