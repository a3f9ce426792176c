import Testing

@testable import WorkflowModel

@Suite("Text for terminals and logs")
struct VisibleTextTests {
    @Test(
        "what moves the cursor, begins a line or reorders text is escaped",
        arguments: [
            ("ok\n100 %  execution_completed", #"ok\n100 %  execution_completed"#),
            ("\u{1B}[2J\u{1B}]0;title\u{07}", #"\u{1b}[2J\u{1b}]0;title\u{07}"#),
            ("a\rb\tc\0d", #"a\rb\tc\u{00}d"#),
            ("delete\u{7F}c1\u{9B}2Jnel\u{85}", #"delete\u{7f}c1\u{9b}2Jnel\u{85}"#),
            ("line\u{2028}paragraph\u{2029}", #"line\u{2028}paragraph\u{2029}"#),
            ("\u{202E}gnp.exe\u{202C}", #"\u{202e}gnp.exe\u{202c}"#),
            ("\u{2066}a\u{2069}\u{200F}\u{061C}", #"\u{2066}a\u{2069}\u{200f}\u{61c}"#),
            ("zero\u{200B}width\u{FEFF}", #"zero\u{200b}width\u{feff}"#),
            ("tag\u{E0041}", #"tag\u{e0041}"#),
        ])
    func escapes(text: String, shown: String) {
        #expect(VisibleText.escaped(text) == shown)
        #expect(VisibleText.escaped(utf8: text.utf8) == shown)
    }

    @Test(
        "text of any language stays as it is",
        arguments: ["plain", "größe 5 %", "漢字かな", "עברית", "العربية", "हिन्दी", "👩‍👩‍👧‍👦 ❤️", #"C:\new\table"#, ""])
    func keeps(text: String) {
        #expect(VisibleText.escaped(text).unicodeScalars.elementsEqual(text.unicodeScalars))
        #expect(VisibleText.escaped(utf8: text.utf8).unicodeScalars.elementsEqual(text.unicodeScalars))
    }

    @Test("bytes that are not UTF-8 are shown as numbers, and what stands around them is kept")
    func invalidBytes() {
        #expect(VisibleText.escaped(utf8: [0x61, 0xFF, 0x62]) == #"a\xffb"#)
        #expect(VisibleText.escaped(utf8: [0xE2, 0x82, 0x0A, 0xC3, 0xA9]) == #"\xe2\x82\né"#)
        #expect(VisibleText.escaped(utf8: [0xC0, 0x8A, 0xED, 0xA0, 0x80]) == #"\xc0\x8a\xed\xa0\x80"#)
        #expect(VisibleText.escaped(utf8: Array("cut ".utf8) + [0xF0, 0x9F]) == #"cut \xf0\x9f"#)
    }

    @Test("a cut text ends in an ellipsis, on a whole character, within its bytes")
    func capped() {
        #expect(VisibleText.capped("short", bytesMax: 5) == "short")
        #expect(VisibleText.capped("longer", bytesMax: 5) == "lo…")
        #expect(VisibleText.capped("ééé", bytesMax: 5) == "é…")
        #expect(VisibleText.capped("ab", bytesMax: 1).isEmpty)
        #expect(VisibleText.capped("abcdef", bytesMax: 3) == "…")
    }
}
