import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

/** One file of the repository. The rules look at nothing else, so a bad sample is a string. */
export interface SourceFile {
  /** From the repository's root, with `/`. */
  readonly path: string
  readonly text: string
}

export const repository = join(import.meta.dirname, '..', '..')

const isGenerated = (folder: string): boolean => /^(node_modules|dist|\..*)$/.test(folder)

/** Every file below `folder` whose name ends in one of `endings`, without what is built. */
export function readSources(folder: string, endings: readonly string[]): SourceFile[] {
  return readdirSync(join(repository, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) return isGenerated(entry.name) ? [] : readSources(path, endings)
    if (!endings.some((ending) => entry.name.endsWith(ending))) return []
    return [{ path, text: readFileSync(join(repository, path), 'utf8') }]
  })
}

/** The name of the package that a file below packages/ belongs to. */
export function packageOf(path: string): string {
  const [top, name] = path.split('/')
  return (top === 'packages' ? name : top) ?? ''
}

/** Packages that make no sense without a host's operating system. */
const hostPackages = /^packages\/(privcmd|cli|debian)\//

/** Where host code may live: the packages of the host, the entry `node.ts`, the folder `src/node/`, and worker entries. */
export function isNodeOnly(path: string): boolean {
  return hostPackages.test(path) || /\/src\/(node\.ts|node\/.*)$/.test(path) || path.endsWith('-worker.ts')
}

export function parse({ path, text }: SourceFile): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
}

export function visit(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node)
  ts.forEachChild(node, (child) => visit(child, see))
}

/** `path:line` of a node, so that a violation can be clicked. */
export function place(node: ts.Node): string {
  const file = node.getSourceFile()
  return `${file.fileName}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}`
}

export interface Import {
  readonly specifier: string
  readonly place: string
}

/** Whatever a file takes from another: import, export … from, import(), require(), and import types. */
export function importsOf(file: SourceFile): Import[] {
  const found: Import[] = []
  visit(parse(file), (node) => {
    const specifier = specifierOf(node)
    if (specifier !== undefined && ts.isStringLiteralLike(specifier)) {
      found.push({ specifier: specifier.text, place: place(node) })
    }
  })
  return found
}

function specifierOf(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier
  if (ts.isImportTypeNode(node)) return ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined
  if (ts.isExternalModuleReference(node)) return node.expression
  if (!ts.isCallExpression(node)) return undefined
  const isImport = node.expression.kind === ts.SyntaxKind.ImportKeyword
  const isRequire = ts.isIdentifier(node.expression) && node.expression.text === 'require'
  return isImport || isRequire ? node.arguments[0] : undefined
}
