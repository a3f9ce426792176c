// swift-tools-version:6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "bench",
    products: [.library(name: "bench", type: .dynamic, targets: ["Bench"])],
    dependencies: [.package(name: "stepstream", path: "../..")],
    targets: [
        .target(
            name: "Bench", dependencies: [.product(name: "StepKit", package: "stepstream")],
            swiftSettings: settings),
        .testTarget(
            name: "BenchTests",
            dependencies: [
                "Bench", .product(name: "StepKit", package: "stepstream"),
                .product(name: "StepKitTesting", package: "stepstream"),
            ],
            swiftSettings: settings),
    ]
)
