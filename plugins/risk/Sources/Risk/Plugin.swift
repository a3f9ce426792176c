public import StepKit

let plugin = Plugin(name: "risk", version: "1.0.0", steps: [score])

let score = Step(
    "score", summary: "Scores a table's profile by rules, from 0 to 100, and says which rule gave how much."
) { (input: RiskScore.Input, context) in
    do throws(RiskScore.Failure) {
        let output = try RiskScore.score(input)
        context.risk(output.score)
        return output
    } catch {
        throw StepFailure(.final, code: error.code, message: error.message)
    }
}

@c @implementation
public func step_plugin_entry(_: UInt32, _: UInt32) -> UnsafePointer<step_plugin>! {
    Plugin.export(plugin)
}
