#!/usr/bin/env bash
# Builds the server, the step host and every plugin of plugins/.
#
#   deploy/build.sh [debug|release]        default: release
#
# The plugins land in .build/CONFIGURATION/plugins/NAME.so, where `stepstream` looks for them by default. They are
# packages of their own; one scratch path (.build-plugins) serves them all, so that StepKit is compiled once.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

configuration=${1:-release}
case "$configuration" in debug | release) ;; *) die "debug or release, not '$configuration'" ;; esac
[ $# -le 1 ] || die "one argument at most"

cd "$root"
install_build_packages
swift build -c "$configuration" --product stepstream
swift build -c "$configuration" --product stepstream-step-host

plugins=$(swift build -c "$configuration" --show-bin-path)/plugins
for name in $(plugin_packages); do
  build_plugin "$name" "$configuration"
  install_plugin "$name" "$plugins"
done
say "plugins in $plugins: $(plugin_packages | tr '\n' ' ')"
