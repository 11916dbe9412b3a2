import { styleText } from 'node:util'
import Table from 'cli-table3'
import type { DaemonVerdict, Diagnosis, Finding } from './finding.js'

type Colour = 'green' | 'red' | 'yellow' | 'dim'

const MARKS: Readonly<Record<Finding['status'], readonly [mark: string, colour: Colour]>> = {
  ok: ['✔', 'green'],
  missing: ['✘', 'red'],
  optional: ['–', 'yellow'],
  info: ['·', 'dim'],
}

/** Characters of the table's widest column; what is longer goes on in the next line. */
const FOUND_WIDTH = 84

/** A diagnosis as a person reads it: what was found, what to do, and what could run. */
export const doctorTable = ({ findings, daemons }: Diagnosis, colours: boolean): string => {
  const paint = (colour: Colour, text: string) => (colours ? styleText(colour, text) : text)
  const table = new Table({
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
    style: { head: [], border: [] },
    colWidths: [3, 20, FOUND_WIDTH],
    wordWrap: true,
  })
  for (const { what, status, found } of findings) {
    const [mark, colour] = MARKS[status]
    table.push([paint(colour, mark), what, found])
  }
  const lines = [table.toString(), ...todo(findings), '']
  for (const verdict of daemons) lines.push(verdictLine(verdict, paint))
  return `${lines.join('\n')}\n`
}

const todo = (findings: readonly Finding[]): string[] => {
  const steps = findings.flatMap(({ what, status, advice }) =>
    advice === undefined ? [] : [`  ${what}${status === 'optional' ? ' (no daemon needs it)' : ''}: ${advice}`],
  )
  return steps.length === 0 ? [] : ['', 'What to do:', ...steps]
}

const verdictLine = ({ daemon, lacks }: DaemonVerdict, paint: (colour: Colour, text: string) => string): string =>
  lacks.length === 0
    ? `${paint('green', '✔')} split-driver ${daemon} could run here.`
    : `${paint('red', '✘')} split-driver ${daemon} cannot run here; it lacks: ${lacks.join(', ')}.`
