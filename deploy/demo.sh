#!/usr/bin/env bash
# Builds everything, starts a server on a free port of this machine, runs the demonstration workflow and shows its
# report. The server then stays up until Ctrl-C; with --once the script stops it and ends with the workflow's status.
#
#   deploy/demo.sh [--once] [--release] [--approval] [--kafka [HOST:PORT]]
#
# It runs on a debug build, which is there soonest and which deploy/test.sh uses again; --release takes an optimised
# one.
# With --approval the table is made dirtier: the report then waits for its release. The notifier posts that to a receiver
# on this machine, and the release is granted from the command line.
# With --kafka the events go to that broker, or to a test broker started for the demonstration, and an independent
# consumer prints what it gets of them beside the bar.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

once=false
configuration=debug
approval=false
kafka=''
while [ $# -gt 0 ]; do
  case "$1" in
    --once) once=true ;;
    --release) configuration=release ;;
    --approval) approval=true ;;
    --kafka)
      kafka=own
      if [[ "${2:-}" == *:* ]]; then
        kafka=$2
        shift
      fi
      ;;
    *) die "unknown argument '$1'" ;;
  esac
  shift
done

install_packages curl jq
install_build_packages
work=$(mktemp -d)
# The step hosts give up root and must still reach their files below.
chmod 755 "$work"
build=''
server=''
consumer=''
receiver=''
broker=''
# Run by the trap.
# shellcheck disable=SC2317
cleanup() {
  local process
  trap '' INT TERM
  # The compiler and all it started.
  if [ -n "$build" ]; then kill -- "-$build" 2> /dev/null || true; fi
  for process in $consumer $server $receiver $broker; do
    kill "$process" 2> /dev/null || true
    wait "$process" 2> /dev/null || true
  done
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# build_with_progress: builds everything, with one line of progress here and the compiler's own words in a file.
build_with_progress() {
  local log="$root/.build/demo-build.log" began=$SECONDS told=0 step
  mkdir -p "$root/.build"
  say "building the server and its plugins ($configuration): minutes the first time, seconds later; the log is $log"
  # A process group of its own, so that Ctrl-C can end all of it.
  set -m
  "$root/deploy/build.sh" "$configuration" > "$log" 2>&1 &
  build=$!
  set +m
  while kill -0 "$build" 2> /dev/null; do
    step=$(tail -c 4096 "$log" | sed -nE 's/^\[([0-9]+\/[0-9]+)\].*/\1/p' | tail -n 1)
    if [ -t 2 ]; then
      printf '\r\033[2K  %s  %d s' "${step:-starting}" $((SECONDS - began)) >&2
    elif [ $((SECONDS - told)) -ge 60 ]; then
      told=$SECONDS
      say "  ${step:-starting}  $((SECONDS - began)) s"
    fi
    sleep 1
  done
  [ ! -t 2 ] || printf '\r\033[2K' >&2
  if ! wait "$build"; then
    build=''
    tail -n 30 "$log" >&2
    die "the build failed; all it said is in $log"
  fi
  build=''
  say "built in $((SECONDS - began)) s"
}

build_with_progress
binary=$(swift build -c "$configuration" --package-path "$root" --show-bin-path)/stepstream

bus=()
if [ -n "$kafka" ]; then
  install_packages kcat
  if [ "$kafka" = own ]; then
    make_venv --requirement "$root/deploy/demo/broker-requirements.txt"
    python="$root/.venv/bin/python"
    port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    kafka=127.0.0.1:$port
    program=$("$python" -c 'import importlib.resources as r; print(r.files("noida_db") / "noida-db")')
    chmod +x "$program"
    mkfifo "$work/broker"
    "$program" start --only kafka --kafka-port "$port" --data-dir "$work/broker-data" > "$work/broker" 2>&1 &
    broker=$!
    exec 4< "$work/broker"
    # It prints the address once it listens there.
    until read -r -t 60 line <&4 && [[ "$line" == *"$port"* ]]; do
      kill -0 "$broker" 2> /dev/null || die "the test broker did not come up: ${line:-}"
    done
    cat <&4 > /dev/null &
    say "test broker at $kafka, process $broker"
  fi
  bus=(--bus kafka --kafka-bootstrap "$kafka")
fi

demo="$root/deploy/demo"
settings=()
if $approval; then
  install_packages python3 openssl
  (umask 077 && echo "whsec_$(openssl rand -base64 32)" > "$work/secret")
  mkfifo "$work/receiver"
  python3 "$demo/receiver.py" "$work/secret" > "$work/receiver" &
  receiver=$!
  exec 5< "$work/receiver"
  read -r -t 60 receiver_url <&5 || die "the receiver did not come up"
  jq -n --arg url "$receiver_url" --arg secret "$work/secret" '{notifier: {channels: [
    {name: "demo", type: "webhook", url: $url, secret_files: [$secret], allow_private_addresses: true}]}}' \
    > "$work/stepstream.yaml" # JSON is YAML
  settings=(--config "$work/stepstream.yaml")
fi

# received TYPE: waits for the receiver's next message, which is of that type, and shows it.
received() {
  local line
  read -r -t 60 line <&5 || die "the receiver got no $1"
  [[ "$line" == "$1 "* ]] || die "the receiver got ${line%% *}, not $1"
  say "received: $line"
}

# The server says on stdout when it listens, and where.
mkfifo "$work/stdout"
"$binary" serve --port 0 --data-dir "$work/data" --plugins "$(dirname "$binary")/plugins" \
  "${bus[@]}" "${settings[@]}" > "$work/stdout" 2> "$work/server.log" &
server=$!
exec 3< "$work/stdout"
if ! read -r -t 60 ready <&3; then
  say "the server did not come up:"
  cat "$work/server.log" >&2
  exit 1
fi
url=$(jq -r .url <<< "$ready")
say "server at $url, process $server"

export STEPSTREAM_URL=$url
"$binary" apply "$demo/dataset-review.yaml" >&2
table=$demo/penguins.csv
if $approval; then
  awk -f "$demo/dirtier.awk" "$table" > "$work/dirtier.csv"
  table=$work/dirtier.csv
fi
jq -n --rawfile csv "$table" --slurpfile rules "$demo/rules.json" \
  '{csv: $csv, rules: $rules[0], title: "Palmer penguins"}' > "$work/inputs.json"

if [ -n "$kafka" ]; then
  # Reading the topic makes it where it is missing; the consumer below expects it.
  "$binary" events "${bus[@]}" --data-dir "$work/data" > /dev/null
  : > "$work/kafka.events"
  kcat -b "$kafka" -G "demo-$$" -X auto.offset.reset=earliest -u -q stepstream.events.v1 \
    > >(tee "$work/kafka.events" | sed -u 's/^/kafka  /' >&2) &
  consumer=$!
fi
status=0
if $approval; then
  # `execute` would follow the stream to its end, which only a decision brings.
  jq '{inputs: .}' "$work/inputs.json" | curl --fail-with-body --silent --show-error --output "$work/started.json" \
    --header 'Content-Type: application/json' --data-binary @- "$url/api/v1/workflows/dataset-review/execute?wait=60s" \
    || { cat "$work/started.json" >&2; exit 1; }
  id=$(jq -r .execution_id "$work/started.json")
  received approval.requested
  say "waiting for a decision:"
  "$binary" approvals --workflow dataset-review
  say "granting it:"
  "$binary" approve "$id" --comment 'the findings are known'
  "$binary" watch "$id" || status=$?
  received approval.granted
else
  "$binary" execute dataset-review -i "$work/inputs.json" || status=$?
fi

if [ -n "$kafka" ]; then
  # A new group takes some seconds to form; the events wait for it on the topic.
  timeout 60 grep -q '"final":true' \
    < <(exec tail -n +1 -f --pid=$$ "$work/kafka.events") || die "the consumer saw no end of the execution"
fi

id=$(curl -fsS "$url/api/v1/executions?workflow=dataset-review&limit=1" | jq -r '.items[0].execution_id')
echo
curl -fsS "$url/api/v1/executions/$id" | jq -r '.output.text // "no report: \(.status)"'
cat << END

execution   $url/api/v1/executions/$id
events      $url/api/v1/workflows/stream/$id
functions   $url/api/v1/functions
END

if $once; then exit "$status"; fi
say "Ctrl-C stops the server."
trap 'exit "$status"' INT
wait "$server" || status=$?
server=''
say "the server ended by itself:"
cat "$work/server.log" >&2
exit 1
