/** Ends the run with one plain line, `N passed, N failed`, for people and programs that read only the end. */
export default class ClosingLineReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0, pending: 0 }
    for (const module of modules) {
      for (const test of module.children.allTests()) counts[test.result().state] += 1
      // A file or a group that breaks outside any test has no test to carry its failure.
      counts.failed += module.errors().length
      for (const suite of module.children.allSuites()) counts.failed += suite.errors().length
    }
    const failed = counts.failed + counts.pending
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''
    // The other reporters write their summary in this same turn; the last word comes after them.
    process.once('exit', () => process.stdout.write(`${counts.passed} passed, ${failed} failed${skipped}\n`))
  }
}
