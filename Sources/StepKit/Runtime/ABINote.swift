/// The note by which a tool judges a plugin's ABI without running it: `step_abi_note` of step_abi.h, in the section it
/// names. Its values are spelled out because a constant in a section cannot refer to a C macro; a test compares them.
@section("stepabi") @used
private let abiNote: (
    magic: UInt64, abiMajor: UInt16, abiMinor: UInt16, flags: UInt32, sdkVersion: UInt64, reserved: UInt64
) = (0x0049_4241_5045_5453, 1, 0, 0, 0x0000_0001_0000_0000, 0)
