extension FleetStateMachine.Settings {
    init(_ configuration: HostingConfiguration) {
        let pool = configuration.pool
        let limits = configuration.limits
        self.init(
            warmPerPlugin: min(pool.warmPerPlugin, pool.hostsPerPluginMax), hostsPerPluginMax: pool.hostsPerPluginMax,
            hostsMax: pool.hostsMax, queuedCallsMax: pool.queuedCallsMax, callsPerHostMax: pool.callsPerHostMax,
            idleTimeout: pool.idleTimeout.nanoseconds,
            crashes: CrashHistory.Settings(
                crashesMax: limits.crashesMax, window: limits.crashWindow.nanoseconds,
                quarantine: limits.quarantine.nanoseconds, quarantineMax: limits.quarantineMax.nanoseconds))
    }
}

extension HostStateMachine.Settings {
    init(_ configuration: HostingConfiguration, pluginPath: String) {
        let timing = configuration.timing
        self.init(
            pluginPath: pluginPath, pluginConfiguration: configuration.pluginConfiguration,
            helloTimeout: timing.hello.nanoseconds, openTimeout: timing.open.nanoseconds,
            openWaitMax: timing.openWaitMax.nanoseconds, grace: timing.grace.nanoseconds,
            closedChannelTimeout: timing.closedChannel.nanoseconds,
            inspectionInterval: timing.inspection.nanoseconds)
    }
}
