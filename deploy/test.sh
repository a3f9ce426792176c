#!/usr/bin/env bash
# Runs every test of the repository on one debug build: the package's own suites, the plugins', the fuzzers for 20 s
# each, and the end-to-end suite that drives the built binary from outside. Ends with the runners' closing lines; fails
# if any of them failed.
#
#   deploy/test.sh
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
[ $# = 0 ] || die "no arguments, please"

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
failed=()
closing=()

# stage NAME COMMAND…: runs it, says how long it took, keeps its log; a failure is remembered. Within the command
# `set -e` is off, as in every command that is tested: the functions below chain theirs with &&.
stage() {
  local name=$1 from=$SECONDS outcome=passed
  shift
  printf '\n== %s\n' "$name"
  if ! "$@" 2>&1 | tee "$logs/$name"; then
    outcome=FAILED
    failed+=("$name")
  fi
  printf '== %s %s after %d s\n' "$name" "$outcome" $((SECONDS - from))
  [ "$outcome" = passed ]
}

# closing_line NAME: keeps the last line in which the stage's runner says how many tests ran.
closing_line() {
  local line
  local lines='Test run with [0-9]+ tests?|^=+ .*(passed|failed|error|no tests ran).* =+$|^Fuzzing (passed|failed)'
  line=$(grep -E "$lines" "$logs/$1" | tail -n 1) || true
  closing+=("$(printf '%-12s %s' "$1" "${line:-no tests ran}")")
}

# failures NAME: what failed in the stage, again, for whoever reads the end only.
failures() {
  printf '== %s\n' "$1"
  local lines='^✘|^↳|^(FAILED|ERROR|E  ) |error:|Fatal error|FAILED$'
  sed 's/\x1b\[[0-9;]*m//g' "$logs/$1" | grep -aE "$lines" | tail -n 60 ||
    tail -n 30 "$logs/$1"
}

test_plugin() {
  build_plugin "$1" debug --build-tests && install_plugin "$1" "$(dirname "$binary")/plugins" || return 1
  [ -d "$root/plugins/$1/Tests" ] || return 0
  # What `swift test` runs, without its planning of the whole graph, which takes longer than the tests.
  (cd "$root/plugins/$1" && "$plugins_scratch/debug/$1PackageTests.xctest" --testing-library swift-testing)
}

# The clients and tools that the end-to-end suite drives beside Python's.
install_test_packages() {
  install_packages chromium chromium-driver jq kcat librdkafka-dev openssl && install_promtool
}

# Debian's package brings promtool with a server that it would start: a policy keeps it from that.
install_promtool() {
  command -v promtool > /dev/null && return
  local policy=/usr/sbin/policy-rc.d made=
  if [ ! -e "$policy" ]; then
    made=yes
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" > /dev/null && as_root chmod 755 "$policy" || return 1
  fi
  install_packages prometheus
  local status=$?
  [ -z "$made" ] || as_root rm -f "$policy"
  return "$status"
}

cd "$root"
stage packages install_build_packages || exit 1
stage build swift build --build-tests || exit 1
binary=$(swift build --show-bin-path)/stepstream

# No more at a time than there are processors: most tests have a time limit for what never comes, and five hundred at
# once would reach it.
stage swift swift test --skip-build --disable-xctest --experimental-maximum-parallelization-width "$(nproc)" || true
closing_line swift
for name in $(plugin_packages); do
  stage "plugin-$name" test_plugin "$name" || true
  [ ! -d "plugins/$name/Tests" ] || closing_line "plugin-$name"
done
stage fuzz bash deploy/fuzz.sh || true
closing_line fuzz
if stage test-packages install_test_packages && stage venv make_venv --requirement Tests/EndToEnd/requirements.txt; then
  export STEPSTREAM_BINARY=$binary
  # A worker for each processor. A file goes to one of them, whole, so that what its tests share is made once; in the
  # files' order, which spreads the long ones better than the number of tests in each.
  end_to_end=(.venv/bin/python -m pytest --numprocesses "$(nproc)" --dist loadfile --no-loadscope-reorder)
  stage end-to-end "${end_to_end[@]}" Tests/EndToEnd || true
  closing_line end-to-end
  # One build works with the librdkafka of Debian 12 and with the newest.
  stage kafka-newer "${end_to_end[@]}" Tests/EndToEnd/test_kafka.py --librdkafka wheel || true
  closing_line kafka-newer
fi

printf '\n== %d s in all\n' "$SECONDS"
if [ "${#failed[@]}" != 0 ]; then
  printf '== failed: %s\n' "${failed[*]}"
  for name in "${failed[@]}"; do failures "$name"; done
fi
printf '%s\n' "${closing[@]}"
[ "${#failed[@]}" = 0 ]
