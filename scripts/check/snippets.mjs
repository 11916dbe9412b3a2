import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import ts from 'typescript'
import { root } from '../root.mjs'
import { spawnCaptured } from '../spawn.mjs'
import { snippetBlocks } from './snippet-blocks.mjs'

const patienceMs = 60_000

/** The documents whose snippets are promises: README.md of the workspace and of each package. */
function documents() {
  return ['README.md', ...readdirSync(join(root, 'packages')).map((name) => `packages/${name}/README.md`)]
}

/** Runs the snippets for real against dist and checks their types; resolves to what is wrong. */
export async function checkSnippets(files = documents()) {
  const snippets = files
    .filter((file) => existsSync(join(root, file)))
    .flatMap((file) => snippetBlocks(file, readFileSync(join(root, file), 'utf8')))
  const programs = snippets.map(write)
  try {
    const complaints = programs.length === 0 ? [] : typeComplaints(programs)
    for (const program of programs) complaints.push(...(await runComplaints(program)))
    return complaints
  } finally {
    for (const { folder } of programs) rmSync(folder, { recursive: true, force: true })
  }
}

/** Beside its document, so that imports resolve as they do for a reader of that package; blank lines keep line numbers. */
function write({ file, line, code }) {
  const folder = join(root, dirname(file), '.cache', 'snippets')
  const source = join(folder, `line-${line}.ts`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(source, `${'\n'.repeat(line - 1)}${code}\nexport {}\n`)
  return { file, line, folder, source }
}

function typeComplaints(programs) {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.base.json'), ts.sys.readFile)
  const { compilerOptions } = config
  const own = { composite: false, emitDeclarationOnly: false, declaration: false, declarationMap: false, noEmit: true }
  const places = { rootDir: root, outDir: undefined, tsBuildInfoFile: undefined, types: ['node'] }
  const { options, errors } = ts.convertCompilerOptionsFromJson({ ...compilerOptions, ...own, ...places }, root)
  const program = ts.createProgram(
    programs.map(({ source }) => source),
    { ...options, configFilePath: join(root, 'tsconfig.base.json') },
  )
  const found = [
    ...errors,
    ...programs.flatMap(({ source }) => [...ts.getPreEmitDiagnostics(program, program.getSourceFile(source))]),
  ]
  return found.map((diagnostic) => complaint(programs, diagnostic))
}

function complaint(programs, { file, start = 0, messageText }) {
  const message = ts.flattenDiagnosticMessageText(messageText, '\n')
  if (file === undefined) return message
  const document = programs.find(({ source }) => relative(source, file.fileName) === '')?.file
  return `${document}:${file.getLineAndCharacterOfPosition(start).line + 1} ${message}`
}

async function runComplaints({ file, line, source }) {
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, inlineSourceMap: true }
  const { outputText } = ts.transpileModule(readFileSync(source, 'utf8'), { fileName: source, compilerOptions })
  const program = source.replace(/\.ts$/, '.mjs')
  writeFileSync(program, outputText)
  const args = ['--enable-source-maps', program]
  const { code, output } = await spawnCaptured(process.execPath, args, { cwd: dirname(source), timeout: patienceMs })
  return code === 0 ? [] : [`${file}:${line} the snippet ends with ${code}:\n${output.trim()}`]
}
