import Testing

@testable import EventBusKafka

@Suite("What a broker's request versions leave of the library's features")
struct BrokerFeatureTests {
    private func features(_ lines: String...) -> BrokerFeatures {
        lines.reduce(into: BrokerFeatures()) { $0.take("[thrd:127.0.0.1:1/bootstrap]: 127.0.0.1:1/bootstrap: \($1)") }
    }

    @Test("is what the library says it switches off, and not what it has by another way")
    func off() {
        let found = features(
            "Disabling feature MsgVer1", "Enabling feature MsgVer2", "Enabling feature Sasl", "Disabling feature Sasl",
            " Feature MsgVer1: Fetch (2..2) NOT supported by broker")
        #expect(found.off == ["MsgVer1"])
        #expect(features("Enabling feature MsgVer1").off.isEmpty)
    }

    @Test("has no compression with an old library where the broker offers no Produce 0")
    func compression() {
        let (old, new): (Int32, Int32) = (0x0200_02ff, 0x0210_00ff)
        let kafka = features("  ApiKey Produce (0) Versions 0..12")
        let strict = features("  ApiKey Produce (0) Versions 3..12")
        #expect(strict.isUncompressed(by: old) && !strict.isUncompressed(by: new))
        #expect(!kafka.isUncompressed(by: old) && !kafka.isUncompressed(by: new))
        #expect(!BrokerFeatures().isUncompressed(by: old), "before anything is known")
    }
}
