#!/usr/bin/env bash
# Builds everything, starts a server on a free port of this machine, runs the demonstration workflow and shows its
# report. The server then stays up until Ctrl-C; with --once the script stops it and ends with the workflow's status.
#
#   deploy/demo.sh [--once]
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

once=false
case "${1:-}" in
  '') ;;
  --once) once=true ;;
  *) die "unknown argument '$1'" ;;
esac
[ $# -le 1 ] || die "one argument at most"

install_packages curl jq
"$root/deploy/build.sh" release >&2
binary=$(swift build -c release --package-path "$root" --show-bin-path)/stepstream

work=$(mktemp -d)
# The step hosts give up root and must still reach their files below.
chmod 755 "$work"
server=''
# Run by the trap.
# shellcheck disable=SC2317
cleanup() {
  trap '' INT TERM
  if [ -n "$server" ]; then
    kill "$server" 2> /dev/null || true
    wait "$server" 2> /dev/null || true
  fi
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The server says on stdout when it listens, and where.
mkfifo "$work/stdout"
"$binary" serve --port 0 --data-dir "$work/data" --plugins "$(dirname "$binary")/plugins" \
  > "$work/stdout" 2> "$work/server.log" &
server=$!
exec 3< "$work/stdout"
if ! read -r -t 60 ready <&3; then
  say "the server did not come up:"
  cat "$work/server.log" >&2
  exit 1
fi
url=$(jq -r .url <<< "$ready")
say "server at $url, process $server"

demo="$root/deploy/demo"
curl --fail-with-body --silent --show-error --output "$work/definition.json" \
  --request PUT --header 'Content-Type: application/yaml' --data-binary "@$demo/dataset-review.yaml" \
  "$url/api/v1/workflows/dataset-review" || { cat "$work/definition.json" >&2; exit 1; }
jq -n --rawfile csv "$demo/penguins.csv" --slurpfile rules "$demo/rules.json" \
  '{csv: $csv, rules: $rules[0], title: "Palmer penguins"}' > "$work/inputs.json"

status=0
STEPSTREAM_URL=$url "$binary" execute dataset-review -i "$work/inputs.json" || status=$?

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
