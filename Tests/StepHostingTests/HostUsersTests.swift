import Glibc
import Testing

@testable import StepHosting

@Suite("users of step hosts")
struct HostUsersTests {
    @Test("each host has one of the range, no two have the same, and one that is given back comes again")
    func leases() throws {
        let users = HostUsers(100..<180, register: "/nowhere/users")
        let leases = (0..<80).compactMap { _ in users.take() }
        #expect(Set(leases.map(\.id)) == Set(100..<180))
        #expect(users.take() == nil)
        leases[7].end()
        #expect(users.take()?.id == leases[7].id)
    }

    @Test("servers begin at different places of the range")
    func starts() {
        let first = (0..<40).compactMap { _ in HostUsers(100..<180, register: "/nowhere/users").take()?.id }
        #expect(Set(first).count > 1)
    }

    @Test("the servers of one machine never have the same at a time, whether or not a child is being started")
    func servers() throws {
        let directory = try HostedPlugins.makeDirectory()
        defer { HostedPlugins.remove(directory) }
        let register = directory + "/users"
        let first = HostUsers(100..<102, register: register)
        let second = HostUsers(100..<102, register: register)
        let one = try #require(first.take())
        let other = try #require(second.take())
        #expect(one.id != other.id)
        #expect(first.take() == nil && second.take() == nil)
        // What a child has between its fork and its exec.
        let copies = OpenDescriptors.copies(of: register)
        defer { for copy in copies { close(copy) } }
        #expect(copies.count == 2)
        one.end()
        #expect(second.take()?.id == one.id)
    }

    @Test("a server that ends gives back what its hosts had")
    func ends() throws {
        let directory = try HostedPlugins.makeDirectory()
        defer { HostedPlugins.remove(directory) }
        let register = directory + "/users"
        var ended: HostUsers? = HostUsers(100..<101, register: register)
        let id = ended?.take()?.id
        ended = nil
        #expect(id == 100 && HostUsers(100..<101, register: register).take()?.id == 100)
    }
}
