import type { SourceFile } from './source-file.js'

const maxLines = 300
const bannedWords = new Set(['util', 'utils', 'helper', 'helpers', 'common', 'manager', 'managers'])

/** A file that needs more than this holds more than one thing. */
export function lengthViolations(files: readonly SourceFile[]): string[] {
  return files
    .map(({ path, text }) => ({ path, lines: text.replace(/\n$/, '').split('\n').length }))
    .filter(({ lines }) => lines > maxLines)
    .map(({ path, lines }) => `${path} has ${lines} lines, ${maxLines} are allowed`)
}

/** A file is named after its one main export, in kebab-case; names that fit everything say nothing. */
export function nameViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path }) => {
    const base = path.split('/').at(-1)?.split('.')[0] ?? ''
    const folders = path.split('/').slice(0, -1)
    const banned = [...folders, base].flatMap((part) => part.split('-')).find((word) => bannedWords.has(word))
    if (banned !== undefined) return [`${path} says '${banned}', which says nothing`]
    return /^[a-z0-9]+(-[a-z0-9]+)*$/.test(base) ? [] : [`${path} is not in kebab-case`]
  })
}

/** A clone builds anywhere: no text names a package registry's host or a folder of somebody's machine. */
export function foreignPlaceViolations(files: readonly SourceFile[]): string[] {
  const places = /\bregistry\.[a-z0-9-]+\.[a-z]{2,}|^\s*tarball:|(?<![\w.~$}/-])\/(?:home|root|Users|work)\/[\w.-]/m
  return files.flatMap(({ path, text }) => {
    const found = places.exec(text)?.[0]
    return found === undefined ? [] : [`${path} names ${found.trim()}`]
  })
}
