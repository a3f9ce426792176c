public import StepKit

let plugin = Plugin(name: "document", version: "1.0.0", steps: [render])

let render = Step("render", summary: "Fills a Mustache template with data: a Markdown or HTML text.") {
    (input: RenderInput, _) in
    do throws(RenderFailure) {
        return try DocumentRenderer(template: input.template, format: input.format ?? .markdown, title: input.title)
            .render(input.data)
    } catch {
        throw StepFailure(.final, code: error.code.rawValue, message: error.message)
    }
}

struct RenderInput: Codable, Sendable {
    /// Mustache, at most `DocumentRenderer.templateBytesMax` bytes.
    var template: String
    /// What the template's names refer to.
    var data: StepValue
    /// Default `markdown`.
    var format: DocumentRenderer.Format?
    var title: String?
}

@c @implementation
public func step_plugin_entry(_: UInt32, _: UInt32) -> UnsafePointer<step_plugin>! {
    Plugin.export(plugin)
}
