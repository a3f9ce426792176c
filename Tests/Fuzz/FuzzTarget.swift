import FuzzSupport
import Glibc

/// What one input may take. The build is several times slower than a release, so these are stricter than they look.
private let nanosecondsMax: UInt64 = 1_000_000_000
private let heapBytesMax = 256 << 20

private let reader: Reader = {
    let name = getenv("FUZZ_READER").map { String(cString: $0) } ?? ""
    guard let reader = Reader(rawValue: name) else {
        fatalError("FUZZ_READER is one of \(Reader.allCases.map(\.rawValue)), not \"\(name)\"")
    }
    return reader
}()

@c(LLVMFuzzerInitialize)
public func initialize(_: UnsafeMutablePointer<CInt>?, _: UnsafeMutableRawPointer?) -> CInt {
    // Whatever is made once, such as tables, is no input's.
    reader.read([])
    fuzz_heap_watch()
    return 0
}

@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ byteCount: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: bytes, count: byteCount))
    fuzz_heap_begin()
    let start = fuzz_cpu_nanoseconds()
    reader.read(input)
    let nanoseconds = fuzz_cpu_nanoseconds() - start
    require(nanoseconds <= nanosecondsMax, "the input took \(nanoseconds / 1_000_000) ms of CPU time")
    require(fuzz_heap_peak() <= heapBytesMax, "the input took \(fuzz_heap_peak() >> 20) MiB of memory")
    return 0
}
