/// What the machine, not a plugin, did to a step host: it is waited out and tried again.
enum MachineFault: Hashable {
    /// There was no process, or none that was there in time: no plugin had a part in it.
    case start(String)
    /// The plugin of this build neither opens nor computes.
    case stall(String)
}
