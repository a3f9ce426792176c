/// A pattern's syntax tree.
indirect enum PatternNode: Sendable {
    case empty
    case scalar(UInt32)
    case set(CharacterSet)
    case sequence([PatternNode])
    case alternatives([PatternNode])
    /// `countMax` nil: without end.
    case repeated(PatternNode, countMin: Int, countMax: Int?)
    case textStart, textEnd
    case wordBoundary(isNegated: Bool)
    case lookahead(PatternNode, isNegated: Bool)
}
