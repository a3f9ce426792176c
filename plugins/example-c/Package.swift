// swift-tools-version:6.2
import PackageDescription

let package = Package(
    name: "example-c",
    products: [.library(name: "TextStatistics", type: .dynamic, targets: ["TextStatistics"])],
    dependencies: [.package(name: "stepstream", path: "../..")],
    targets: [
        .target(
            name: "TextStatistics", dependencies: [.product(name: "StepABI", package: "stepstream")],
            cSettings: [.unsafeFlags(["-std=c11", "-fvisibility=hidden", "-Wall", "-Wextra"])])
    ]
)
