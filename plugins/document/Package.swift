// swift-tools-version:6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "document",
    products: [.library(name: "document", type: .dynamic, targets: ["Document"])],
    dependencies: [
        .package(name: "stepstream", path: "../.."),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
    ],
    targets: [
        .target(
            name: "Document",
            dependencies: [
                .product(name: "StepKit", package: "stepstream"),
                .product(name: "Mustache", package: "swift-mustache"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "DocumentTests",
            dependencies: [
                "Document", .product(name: "StepKit", package: "stepstream"),
                .product(name: "StepKitTesting", package: "stepstream"),
            ],
            swiftSettings: settings),
    ]
)
