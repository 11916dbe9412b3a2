import { differences, notAsked } from './differences.js'
import { XEN_RELEASE } from './peer-packages.js'

const columns = ['C xenstored', 'oxenstored', 'ours'] as const

/** The table of differences as the document that readers see. */
export function differencesPage(): string {
  const entries = [...differences, ...notAsked]
  return `# Where XenStore daemons differ

How this daemon, and the two of Xen ${XEN_RELEASE}, C xenstored and oxenstored, answer the same bytes, wherever not all three answer
alike. \`npm run rel -- xenstore-originals --n 100000\` asks all three at random and accepts no difference but these; the
table lives in \`bench/src/xenstore-peers/differences/\`, and a test keeps this page and it together.

${entries.map(section).join('\n')}`
}

function section({ id, what, answers, why, aspect }: (typeof differences)[number] | (typeof notAsked)[number]): string {
  const rows = columns.map((column) => `- ${column}: ${answers[column]}`)
  const omitted = aspect === 'request' ? '\nThe suite does not ask the original that would not survive it.\n' : ''
  return `## ${id}

${what[0]?.toUpperCase()}${what.slice(1)}.

${rows.join('\n')}

${why}
${omitted}`
}
