/** The highest of versions such as `4.17` and `4.9`, compared number by number. */
export function newest(versions: readonly string[]): string | undefined {
  return [...versions].sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1)
}
