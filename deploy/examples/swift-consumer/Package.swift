// swift-tools-version: 6.1
import PackageDescription

let package = Package(
    name: "swift-consumer",
    targets: [
        .systemLibrary(name: "CRdKafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
        .executableTarget(name: "swift-consumer", dependencies: ["CRdKafka"]),
    ])
