// swift-tools-version:6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "tabular",
    products: [.library(name: "tabular", type: .dynamic, targets: ["Tabular"])],
    dependencies: [.package(name: "stepstream", path: "../..")],
    targets: [
        .target(
            name: "Tabular", dependencies: [.product(name: "StepKit", package: "stepstream")],
            swiftSettings: settings),
        .testTarget(
            name: "TabularTests",
            dependencies: [
                "Tabular", .product(name: "StepKit", package: "stepstream"),
                .product(name: "StepKitTesting", package: "stepstream"),
            ],
            swiftSettings: settings),
    ]
)
