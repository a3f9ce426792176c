// swift-tools-version:6.2
import PackageDescription

// The rooms and the arrows between them are the table of deploy/guide/architecture.md;
// Tests/ArchitectureTests holds this file and every `import` line to it.

/// A third-party product, by the name the architecture table uses.
func product(_ name: String) -> Target.Dependency {
    let packages = [
        "Yams": "Yams", "GRDB": "GRDB.swift", "GRDBSQLite": "GRDB.swift", "ArgumentParser": "swift-argument-parser",
        "NIOCore": "swift-nio", "NIOPosix": "swift-nio", "NIOConcurrencyHelpers": "swift-nio",
        "NIOHTTP1": "swift-nio", "NIOEmbedded": "swift-nio",
        "NIOHTTPTypes": "swift-nio-extras", "NIOHTTPTypesHTTP1": "swift-nio-extras",
        "HTTPTypes": "swift-http-types", "Hummingbird": "hummingbird", "HummingbirdCore": "hummingbird",
        "Crypto": "swift-crypto", "Logging": "swift-log", "Metrics": "swift-metrics",
        "ServiceLifecycle": "swift-service-lifecycle", "AsyncHTTPClient": "async-http-client",
        "UnixSignals": "swift-service-lifecycle", "Mustache": "swift-mustache", "Histogram": "hdrhistogram-swift",
        "NIOSSL": "swift-nio-ssl",
    ]
    return .product(name: name, package: packages[name]!)
}

let nio = [product("NIOCore"), product("NIOPosix"), product("NIOConcurrencyHelpers")]
let operations = [product("Logging"), product("Metrics"), product("ServiceLifecycle")]
let web = [
    product("Hummingbird"), product("HummingbirdCore"), product("NIOHTTP1"),
    product("HTTPTypes"), product("NIOHTTPTypes"), product("NIOHTTPTypesHTTP1"), product("Crypto"),
]

let package = Package(
    name: "stepstream",
    products: [
        .executable(name: "stepstream", targets: ["stepstream"]),
        .executable(name: "stepstream-step-host", targets: ["StepHost"]),
        .library(name: "StepKit", targets: ["StepKit"]),
        .library(name: "StepKitTesting", targets: ["StepKitTesting"]),
        .library(name: "StepABI", targets: ["StepABI"]),
    ],
    dependencies: [
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // The vocabulary and the decisions.
        .target(name: "WorkflowModel", dependencies: [product("Yams")]),
        .target(name: "WorkflowEngine", dependencies: ["WorkflowModel"]),

        // The journal and the bus.
        .target(
            name: "JournalSQLite",
            dependencies: ["WorkflowModel", "WorkflowEngine", product("GRDB"), product("GRDBSQLite")] + operations),
        .target(name: "EventBus", dependencies: ["WorkflowModel"] + operations),
        .target(
            name: "EventBusEmbedded",
            dependencies: ["WorkflowModel", "EventBus", product("GRDB")] + nio + operations),
        .systemLibrary(name: "CRdKafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
        .target(name: "EventBusKafka", dependencies: ["WorkflowModel", "EventBus", "CRdKafka"] + operations),

        // Step plugins: the contract, the author's side, the host's side.
        .target(name: "StepABI"),
        .target(name: "StepKit", dependencies: ["StepABI"]),
        .target(name: "StepKitTesting", dependencies: ["StepKit", "StepABI"]),
        .executableTarget(
            name: "StepHost", dependencies: ["StepABI"],
            cSettings: [.define("_GNU_SOURCE")],
            linkerSettings: [
                // Keeps the Swift runtime out of a plain C program: the plugin brings its own.
                .unsafeFlags(["-enable-experimental-feature", "Embedded", "-wmo"]),
                // Threads of the plugin go through the host's wrapper, which gives each a signal stack.
                .unsafeFlags(["-Xlinker", "--export-dynamic-symbol=pthread_create"]),
                .linkedLibrary("dl"), .linkedLibrary("pthread"),
            ]),
        .target(
            name: "StepHosting",
            dependencies: ["WorkflowModel", "WorkflowEngine", "StepABI", product("Crypto")] + nio + operations),

        // The roles.
        .target(name: "WebServing", dependencies: ["WorkflowModel"] + web + nio + operations),
        .target(
            name: "Orchestrator",
            dependencies: ["WorkflowModel", "WorkflowEngine", "EventBus", "WebServing"] + operations),
        .target(
            name: "Console", dependencies: ["WorkflowModel", "WebServing"],
            resources: [.embedInCode("Assets")]),
        .target(name: "Gateway", dependencies: ["WorkflowModel", "EventBus", "WebServing"] + operations),
        .target(
            name: "MetricsAggregator",
            dependencies: ["WorkflowModel", "EventBus", "WebServing", product("Histogram")] + operations),
        .target(
            name: "ApprovalNotifier",
            dependencies: [
                "WorkflowModel", "EventBus", "WebServing", product("AsyncHTTPClient"), product("NIOHTTP1"),
                product("NIOSSL"), product("Crypto"),
            ] + nio + operations),

        // The composition root.
        .executableTarget(
            name: "stepstream",
            dependencies: [
                "WorkflowModel", "WorkflowEngine", "JournalSQLite", "EventBus", "EventBusEmbedded", "EventBusKafka",
                "StepABI", "StepHosting", "WebServing", "Orchestrator", "Gateway", "Console", "MetricsAggregator",
                "ApprovalNotifier", product("ArgumentParser"), product("AsyncHTTPClient"), product("UnixSignals"),
                product("Yams"),
            ] + web + nio + operations),

        // Tests. Contract suites and the simulator are libraries, so that several adapters run the same ones.
        .testTarget(name: "ArchitectureTests", dependencies: ["WorkflowModel"]),
        .testTarget(name: "WorkflowModelTests", dependencies: ["WorkflowModel"], exclude: ["Golden"]),
        .target(
            name: "Simulation", dependencies: ["WorkflowModel", "WorkflowEngine"], path: "Tests/Simulation"),
        .target(
            name: "JournalContract", dependencies: ["WorkflowModel", "WorkflowEngine"], path: "Tests/JournalContract"),
        .testTarget(
            name: "WorkflowEngineTests",
            dependencies: ["WorkflowModel", "WorkflowEngine", "Simulation", "JournalContract"]),
        .testTarget(
            name: "JournalSQLiteTests",
            dependencies: [
                "WorkflowModel", "WorkflowEngine", "JournalSQLite", "JournalContract", product("GRDB"),
            ]),
        .target(name: "BusContract", dependencies: ["WorkflowModel", "EventBus"], path: "Tests/BusContract"),
        .testTarget(
            name: "EventBusEmbeddedTests",
            dependencies: [
                "WorkflowModel", "EventBus", "EventBusEmbedded", "BusContract", product("GRDB"), product("Logging"),
            ]),
        .testTarget(
            name: "EventBusKafkaTests",
            dependencies: [
                "WorkflowModel", "EventBus", "EventBusEmbedded", "EventBusKafka", "CRdKafka", "BusContract",
                product("Logging"),
            ]),
        .target(name: "FixtureCache", dependencies: [product("Crypto")], path: "Tests/FixtureCache"),
        .testTarget(
            name: "StepKitTests", dependencies: ["StepKit", "StepKitTesting", "StepABI", "StepHost", "FixtureCache"]),
        .testTarget(
            name: "StepHostingTests",
            dependencies: ["WorkflowModel", "WorkflowEngine", "StepHosting", "StepABI", "StepHost", "FixtureCache"]),
        .testTarget(
            name: "OrchestratorTests",
            dependencies: [
                "WorkflowModel", "WorkflowEngine", "EventBus", "WebServing", "Orchestrator", "Simulation", "WebTesting",
            ] + operations),
        .target(
            name: "WebTesting", dependencies: ["WorkflowModel", "WebServing"] + nio + operations,
            path: "Tests/WebTesting"),
        .executableTarget(
            name: "websocket-echo", dependencies: ["WebServing", "WebTesting"] + operations, path: "Tests/WebSocketEcho"),
        .testTarget(
            name: "WebServingTests",
            dependencies: ["WorkflowModel", "WebServing", "WebTesting", product("NIOEmbedded")] + nio + operations),
        .testTarget(
            name: "GatewayTests",
            dependencies: ["WorkflowModel", "EventBus", "WebServing", "WebTesting", "Gateway"] + nio + operations),
        .testTarget(
            name: "MetricsAggregatorTests",
            dependencies: [
                "WorkflowModel", "EventBus", "WebServing", "WebTesting", "MetricsAggregator", product("Histogram"),
            ] + operations),
        .testTarget(
            name: "ApprovalNotifierTests",
            dependencies: [
                "WorkflowModel", "EventBus", "WebServing", "Orchestrator", "ApprovalNotifier", product("NIOHTTP1"),
            ] + nio + operations),
    ]
)

let upcoming: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]
/// Rooms that touch no C: unsafe constructs there must be spelled out.
let memorySafe: Set = [
    "WorkflowModel", "WorkflowEngine", "EventBus", "Orchestrator", "Gateway", "MetricsAggregator", "ApprovalNotifier",
]

for target in package.targets where target.type != .system && !["StepABI", "StepHost"].contains(target.name) {
    target.swiftSettings = (target.swiftSettings ?? []) + upcoming
    if memorySafe.contains(target.name) { target.swiftSettings?.append(.strictMemorySafety()) }
}
