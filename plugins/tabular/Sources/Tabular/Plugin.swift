public import StepKit

let plugin = Plugin(name: "tabular", version: "1.0.0", steps: [parse])

let parse = Step("parse", summary: "Reads comma-separated values and profiles their columns.") {
    (input: TableParser.Input, context) in
    do {
        return try TableParser(input: input).run { context.progress($0) }
    } catch let error as CSVError {
        throw StepFailure(.final, code: error.failureCode, message: error.message)
    }
}

@c @implementation
public func step_plugin_entry(_: UInt32, _: UInt32) -> UnsafePointer<step_plugin>! {
    Plugin.export(plugin)
}
