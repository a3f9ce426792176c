// swift-tools-version:6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "risk",
    products: [.library(name: "risk", type: .dynamic, targets: ["Risk"])],
    dependencies: [.package(name: "stepstream", path: "../..")],
    targets: [
        .target(
            name: "Risk", dependencies: [.product(name: "StepKit", package: "stepstream")],
            swiftSettings: settings),
        .testTarget(
            name: "RiskTests",
            dependencies: [
                "Risk", .product(name: "StepKit", package: "stepstream"),
                .product(name: "StepKitTesting", package: "stepstream"),
            ],
            swiftSettings: settings),
    ]
)
