/// Shares as people read them, rounded no further than the sentence around them stays true.
enum Percent {
    private static let decimalsMax = 12

    /// A limit as it was given: `0.05` → `5 %`, `0.0504` → `5.04 %`.
    static func text(_ share: Double) -> String {
        for decimals in 0..<decimalsMax {
            let value = rounded(share, decimals)
            if (value - share * 100).magnitude < 1e-10 { return plain(value) }
        }
        return plain(share * 100)
    }

    /// One decimal, or as many as it takes to be above the limit, and below 100 % unless it is all: 101 of 2,001 is not
    /// `5 %, more than 5 %`, and 1,999 of 2,000 are not `100 %`.
    static func text(_ share: Double, above limit: Double) -> String {
        for decimals in 1..<decimalsMax {
            let value = rounded(share, decimals)
            if value > limit * 100, share >= 1 || value < 100 { return plain(value) }
        }
        return plain(share * 100)
    }

    private static func rounded(_ share: Double, _ decimals: Int) -> Double {
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        return (share * 100 * scale).rounded() / scale
    }

    private static func plain(_ percent: Double) -> String { ExactNumber.real(percent).text + " %" }
}
