import Testing

@testable import StepHosting

@Suite("users of step hosts")
struct HostUsersTests {
    @Test("each host has one of the range, no two have the same, and one that is given back comes again")
    func leases() throws {
        let users = HostUsers(100..<180)
        let leases = (0..<80).compactMap { _ in users.take() }
        #expect(Set(leases.map(\.id)) == Set(100..<180))
        #expect(users.take()?.id == nil)
        leases[7].end()
        #expect(users.take()?.id == leases[7].id)
    }

    @Test("servers begin at different places of the range")
    func starts() {
        #expect(Set((0..<40).compactMap { _ in HostUsers(100..<180).take()?.id }).count > 1)
    }
}
