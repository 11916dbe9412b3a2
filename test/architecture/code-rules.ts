import ts from 'typescript'
import { parse, place, type SourceFile, visit } from './source-file.js'

const timers = new Set(['setTimeout', 'setInterval', 'setImmediate'])
const ambient = new Map([
  ['Date', new Set(['now'])],
  ['Math', new Set(['random'])],
  ['performance', new Set(['now'])],
])

/** Time and randomness come from the Platform, or a seed replays nothing. The worlds' host clocks are the exception. */
const mayBeAmbient = (path: string): boolean =>
  path === 'packages/emulator/src/host-clock.ts' ||
  path === 'packages/privcmd/src/host-clock.ts' ||
  /^packages\/[^/]+\/src\/node\//.test(path)

/** `Date.now`, `new Date()`, `Math.random`, `performance.now` and timers, also taken by name or by destructuring. */
export function ambientViolations(files: readonly SourceFile[]): string[] {
  return findings(
    files.filter(({ path }) => !mayBeAmbient(path)),
    ambientName,
  )
}

function ambientName(node: ts.Node): string | undefined {
  if ((ts.isIdentifier(node) || ts.isStringLiteral(node)) && timers.has(node.text)) return node.text
  if (ts.isNewExpression(node))
    return nameOf(node.expression) === 'Date' && !node.arguments?.length ? 'new Date()' : undefined
  if (ts.isPropertyAccessExpression(node)) return member(node.expression, node.name.text)
  if (ts.isElementAccessExpression(node) && ts.isStringLiteral(node.argumentExpression)) {
    return member(node.expression, node.argumentExpression.text)
  }
  if (!ts.isVariableDeclaration(node) || !ts.isObjectBindingPattern(node.name) || !node.initializer) return undefined
  const { initializer } = node
  const names = node.name.elements.map(({ name, propertyName }) => (propertyName ?? name).getText())
  return names.map((name) => member(initializer, name)).find((name) => name !== undefined)
}

/** Of `Date` and `globalThis.Date` alike. */
function nameOf(node: ts.Expression): string | undefined {
  if (ts.isIdentifier(node)) return node.text
  return ts.isPropertyAccessExpression(node) && nameOf(node.expression) === 'globalThis' ? node.name.text : undefined
}

function member(object: ts.Expression, name: string): string | undefined {
  const owner = nameOf(object)
  return owner !== undefined && ambient.get(owner)?.has(name) ? `${owner}.${name}` : undefined
}

/** Types hold everywhere: the type `any` is written nowhere and the checker is not told to look away. */
export function untypedViolations(files: readonly SourceFile[]): string[] {
  const silenced = files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => {
      const directive = /@ts-(ignore|nocheck)/.exec(line)?.[0]
      return directive === undefined ? [] : [`${path}:${index + 1} uses ${directive}`]
    }),
  )
  return [...findings(files, (node) => (node.kind === ts.SyntaxKind.AnyKeyword ? 'any' : undefined)), ...silenced]
}

function findings(files: readonly SourceFile[], judge: (node: ts.Node) => string | undefined): string[] {
  const found: string[] = []
  for (const file of files) {
    visit(parse(file), (node) => {
      const name = judge(node)
      if (name !== undefined) found.push(`${place(node)} uses ${name}`)
    })
  }
  return found
}
