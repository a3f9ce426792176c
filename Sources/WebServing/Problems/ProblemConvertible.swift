/// An error of another room that knows its answer; handlers may throw it as it is.
package protocol ProblemConvertible: Error {
    var problem: Problem { get }
}
