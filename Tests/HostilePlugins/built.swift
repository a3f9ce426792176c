// 32: a Swift plugin that the tests build in several ways; "act" takes the runtime's allocator, threads and generics.
import StepKit

@inline(never)
private func theGuiltyFunction(_ numbers: [Int]) -> Int { numbers[numbers.count] }

@c @implementation
public func step_plugin_entry(_: UInt32, _: UInt32) -> UnsafePointer<step_plugin>! {
    Plugin.export(Plugin(name: "built", version: "1", steps: [
        Step("good") { (input: Int, _) in input },
        Step("act") { (numbers: [Int], _) in
            let squares = await withTaskGroup(of: Int.self) { group in
                for number in numbers { group.addTask { number * number } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            return squares.sorted().map { "\($0)" }
        },
        Step("trap") { (numbers: [Int], _) in theGuiltyFunction(numbers) },
    ]))
}
