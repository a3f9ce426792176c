import WebServing
import WorkflowModel

/// The routes the tests talk to.
struct Routes: RouteProvider {
    struct Failure: Error {}

    func addRoutes(to router: inout WebRouter) {
        router.get("/items/{name}") { request in
            .json(["name": .string(request.pathParameter("name")), "caller": .string(request.caller.name)])
        }
        router.get("/items/special") { _ in .json(Array("{\"special\":true}".utf8)) }
        router.put("/items/{name}", bodyBytesMax: 4 << 20) { request in .json(try await request.json()) }
        router.post("/items", bodyBytesMax: 4 << 20) { request in .json(try await request.json(), status: 201) }
        router.post("/small", bodyBytesMax: 8) { request in .bytes(try await request.body(), type: "text/plain") }
        router.delete("/items/{name}") { _ in .noContent }
        router.get("/wait") { request in
            .json(["ms": .double(try request.query.duration("wait", atMost: .seconds(60))?.milliseconds ?? -1)])
        }
        router.get("/page") { request in .json(.int(Int64(try request.query.int("limit", default: 50, in: 1...500)))) }
        router.get("/broken") { _ in throw Failure() }
        router.get("/faulty") { _ in
            throw Problem(
                422, "invalid_definition", "two faults",
                faults: [
                    .init(path: "steps[0].with", line: 3, column: 7, code: "unknown_reference", message: "no \"x\""),
                    .init(message: "no steps"),
                ],
                members: ["workflow": "w"], headers: [WebHeader("retry-after", "1")])
        }
    }
}
