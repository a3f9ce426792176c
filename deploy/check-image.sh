#!/usr/bin/env bash
# Builds deploy/Containerfile where no container engine runs, and runs the demonstration inside what it built: the
# orchestrator and the gateway of deploy/compose.yaml, each a process in the image's root file system with the image's
# user, no capability and nothing writable but its volume, over a test broker. Ends with 0 when everything held.
#
#   deploy/check-image.sh
#
# It needs root, and takes as long as a release build: it compiles everything in the image's first stage. In place of
# the public base images it makes two of its own from this machine's Debian mirror, and lends the build this machine's
# Swift toolchain. They are kept in .build-image; remove that to make them anew.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

[ $# = 0 ] || die "no arguments, please"
[ "$(id -u)" = 0 ] || die "root is needed: it mounts, and becomes the image's user"
release=bookworm
grep -q "^VERSION_CODENAME=$release\$" /etc/os-release || die "this machine is not Debian $release, as the image is"
command -v swift > /dev/null || die "a Swift 6.3 toolchain is needed on the PATH"
install_packages buildah mmdebstrap curl jq

# Set by lib/common.sh.
# shellcheck disable=SC2154
cache="$root/.build-image"
mkdir -p "$cache"
exec 9> "$cache/lock"
flock --nonblock 9 || die "another check is running"
work=$(mktemp -d)
chmod 755 "$work"
image=localhost/stepstream:check
buildah=(buildah --root "$cache/storage" --runroot "$work/buildah")
container=''
processes=()
# Run by the trap.
# shellcheck disable=SC2317
cleanup() {
  local process
  trap '' INT TERM
  for process in "${processes[@]}"; do
    kill "$process" 2> /dev/null || true
    wait "$process" 2> /dev/null || true
  done
  if [ -n "$container" ]; then
    "${buildah[@]}" umount "$container" > /dev/null || true
    "${buildah[@]}" rm "$container" > /dev/null || true
  fi
  # buildah mounts it on itself, and leaves it so: then .build-image could not be removed.
  umount "$cache/storage/overlay" 2> /dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# What a check that was killed left behind, and the image that the last one tagged anew.
"${buildah[@]}" rm --all > /dev/null
"${buildah[@]}" rmi --prune > /dev/null

# expect WHAT FOUND EXPECTED
expect() { [ "$2" = "$3" ] || die "$1: $2, not $3"; }

# make_base NAME PACKAGES [CONFIG…]: an image of this Debian with the packages, unless there is one.
make_base() {
  local name=$1 packages=$2 started
  shift 2
  ! "${buildah[@]}" inspect --type image "localhost/$name" > /dev/null 2>&1 || return 0
  say "making the base image $name"
  # Without what Debian's slim images leave out, from wherever this machine gets its packages.
  # shellcheck disable=SC2016
  apt-get indextargets --format 'deb $(REPO_URI) $(CODENAME) $(COMPONENT)' 'Identifier: Packages' 'Origin: Debian' \
    | sort -u \
    | mmdebstrap --quiet --variant=minbase --include="$packages" --dpkgopt='path-exclude=/usr/share/doc/*' \
      --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
      --aptopt='Dir::Cache::pkgcache ""' --aptopt='Dir::Cache::srcpkgcache ""' "$release" "$work/base.tar" -
  started=$("${buildah[@]}" from scratch)
  "${buildah[@]}" add --quiet "$started" "$work/base.tar" / > /dev/null
  [ $# = 0 ] || "${buildah[@]}" config "$@" "$started"
  "${buildah[@]}" commit --quiet --rm "$started" "localhost/$name" > /dev/null
  rm "$work/base.tar"
}

[ -n "$(apt-get indextargets 'Identifier: Packages' 'Origin: Debian')" ] || apt-get update -qq
make_base base-runtime ca-certificates
# What the toolchain's compilers and package manager load and link with.
compilers=binutils,git,libc6-dev,libcurl4,libedit2,libncurses6,libsqlite3-0,libstdc++-12-dev,libxml2,pkg-config
make_base base-build "ca-certificates,$compilers" \
  --env PATH=/opt/toolchain/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# The toolchain goes where no Swift of the image looks for it: the runtime must be found without it.
toolchain=$(dirname "$(dirname "$(readlink -f "$(command -v swift)")")")
volumes=(--volume "$toolchain:/opt/toolchain:ro")
# A git that takes packages from a directory of this machine does so in the build, too.
: > "$work/gitconfig"
while read -r key address; do
  directory=${key#url.}
  directory=${directory%.insteadof}
  [ -d "$directory" ] || continue
  git config --file "$work/gitconfig" --add "url.$directory.insteadOf" "$address"
  [[ " ${volumes[*]} " == *" $directory:"* ]] || volumes+=(--volume "$directory:$directory:ro")
done < <(git config --get-regexp '^url\..*\.insteadof$' || true)
volumes+=(--volume "$work/gitconfig:/etc/gitconfig:ro")

say "building the image; a cold release build takes its time"
from=$SECONDS
# In the format that has health checks.
"${buildah[@]}" bud --isolation chroot --format docker --pull-never --file "$root/deploy/Containerfile" --tag "$image" \
  --build-arg BUILD_IMAGE=localhost/base-build --build-arg RUNTIME_IMAGE=localhost/base-runtime \
  "${volumes[@]}" "$root" > "$work/build.log" 2>&1 \
  || { tail -n 100 "$work/build.log" >&2; die "the image does not build"; }
"${buildah[@]}" inspect --type image "$image" > "$work/image.json"
say "built in $((SECONDS - from)) s: $("${buildah[@]}" images --format '{{.Size}}' "$image") with its base, which has" \
  "$("${buildah[@]}" images --format '{{.Size}}' localhost/base-runtime)"

make_venv --requirement "$root/deploy/demo/broker-requirements.txt" pyyaml
python="$root/.venv/bin/python"
container=$("${buildah[@]}" from --pull-never "$image")
rootfs=$("${buildah[@]}" mount "$container")
user=$(jq -r .Docker.config.User "$work/image.json")
directory=$(jq -r .Docker.config.WorkingDir "$work/image.json")
data=$(jq -r '.Docker.config.Volumes | keys[]' "$work/image.json")
[ "${user%:*}" -gt 0 ] || die "the image's user is $user"
# A new volume takes its owner from there.
expect "the owner of $data" "$(stat --format %u:%g "$rootfs$data")" "$user"
mapfile -t health < <(jq -r '.Docker.config.Healthcheck.Test[1:][]' "$work/image.json")

# in_image VOLUME [ENVIRONMENT…] -- COMMAND…: becomes the command in the image's root file system, read-only but for
# the data directory, as the image's user, without capabilities.
in_image() {
  local volume=$1 environment=()
  shift
  while [ "$1" != -- ]; do
    environment+=("$1")
    shift
  done
  shift
  # The inner shell expands them.
  # shellcheck disable=SC2016
  exec unshare --mount --propagation private bash -euc '
    rootfs=$1 volume=$2 data=$3
    shift 3
    mount --bind "$rootfs" "$rootfs"
    mount -o remount,bind,ro "$rootfs"
    mount --bind "$volume" "$rootfs$data"
    mount --rbind /proc "$rootfs/proc"
    mount --rbind /dev "$rootfs/dev"
    exec chroot "$rootfs" "$@"' - "$rootfs" "$volume" "$data" \
    setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups --inh-caps=-all --bounding-set=-all \
    --no-new-privs env --ignore-environment --chdir="$directory" "${environment[@]}" "$@"
}

# free_port: one that nobody listens on now.
free_port() { "$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# A line from the descriptor within a minute, or the log and the end.
read_line() {
  read -r -t 60 line <&"$1" && return
  cat "$2" >&2
  die "$3 did not come up"
}

broker=127.0.0.1:$(free_port)
program=$("$python" -c 'import importlib.resources as r; print(r.files("noida_db") / "noida-db")')
chmod +x "$program"
mkfifo "$work/broker"
"$program" start --only kafka --kafka-port "${broker#*:}" --data-dir "$work/broker-data" \
  > "$work/broker" 2> "$work/broker.log" &
processes+=($!)
exec 3< "$work/broker"
# It prints the address once it listens there.
until read_line 3 "$work/broker.log" "the test broker" && [[ "$line" == *"${broker#*:}"* ]]; do :; done
cat <&3 > /dev/null &

# start_role ROLE: starts it as deploy/compose.yaml does, but for the addresses; sets process[ROLE] and url[ROLE].
declare -A process url
start_role() {
  local role=$1 port environment command
  port=$(free_port)
  "$python" "$root/deploy/lib/container.py" "$root/deploy/compose.yaml" "$work/image.json" "$role" > "$work/$role.json"
  mapfile -t environment < <(jq -r '.environment[]' "$work/$role.json")
  environment+=("STEPSTREAM_HOST=127.0.0.1" "STEPSTREAM_PORT=$port" "STEPSTREAM_KAFKA_BOOTSTRAP=$broker")
  mapfile -t command < <(jq -r '.command[]' "$work/$role.json")
  install -d -o "${user%:*}" -g "${user#*:}" "$work/$role"
  mkfifo "$work/$role.out"
  (in_image "$work/$role" "${environment[@]}" -- "${command[@]}") > "$work/$role.out" 2> "$work/$role.log" &
  processes+=($!)
  process[$role]=$! url[$role]=http://127.0.0.1:$port
  exec 4< "$work/$role.out"
  read_line 4 "$work/$role.log" "$role"
  [ "$(jq -r '"\(.role) \(.pid)"' <<< "$line")" = "$role ${process[$role]}" ] \
    || die "$role said it is ready as: $line"
  # What the image says of its health, by the image's own command.
  (in_image "$work/$role" "${environment[@]}" -- "${health[@]}") \
    || die "$role is not healthy: $(curl -sS "${url[$role]}/health")"
}

# status PID KEY: a line of /proc/PID/status.
status() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"; }

# By itself the image lets nobody in that shows no token.
refused=0
mapfile -t environment < <(jq -r '.Docker.config.Env[]' "$work/image.json")
install -d -o "${user%:*}" "$work/nothing"
(in_image "$work/nothing" "${environment[@]}" -- timeout 60 stepstream serve) > /dev/null 2> "$work/refused.log" \
  || refused=$?
[ "$refused" = 78 ] || die "serve without settings ended with $refused: $(cat "$work/refused.log")"
grep -q -- --insecure "$work/refused.log" || die "it did not say why: $(cat "$work/refused.log")"

start_role orchestrator
start_role gateway
expect "the plugins that do not load" "$(curl -fsS "${url[orchestrator]}/health" | jq .parts.plugins.failed)" 0

demo="$root/deploy/demo"
curl --fail-with-body --silent --show-error --output "$work/definition.json" \
  --request PUT --header 'Content-Type: application/yaml' --data-binary "@$demo/dataset-review.yaml" \
  "${url[orchestrator]}/api/v1/workflows/dataset-review" || die "$(cat "$work/definition.json")"
id=$(jq -n --rawfile csv "$demo/penguins.csv" --slurpfile rules "$demo/rules.json" \
  '{inputs: {csv: $csv, rules: $rules[0], title: "Palmer penguins"}}' \
  | curl -fsS --header 'Content-Type: application/json' --data-binary @- \
    "${url[orchestrator]}/api/v1/workflows/dataset-review/execute" | jq -r .execution_id)
# The stream comes over the broker and the gateway, to the image's own client.
mapfile -t environment < <(jq -r '.environment[]' "$work/gateway.json")
(in_image "$work/gateway" "${environment[@]}" -- timeout 60 stepstream watch "$id" --json \
  --url "${url[gateway]}") > "$work/events" || die "the stream ended with $?: $(cat "$work/events")"
jq -r '"\(.progress) %  \(.type)\(.data.step_name // "" | if . == "" then "" else " " + . end)"' "$work/events"
expect "progress" "$(jq -r .progress "$work/events" | uniq | tr '\n' ' ')" "0 33 66 100 "
expect "the last event" "$(tail -n 1 "$work/events" | jq -r '"\(.type) \(.final)"')" "execution_completed true"
(in_image "$work/gateway" "${environment[@]}" -- stepstream show "$id" --json --url "${url[orchestrator]}") \
  | jq -er .output.text > "$work/report" || die "there is no report"
grep -q "Palmer penguins" "$work/report" || die "this is not the report: $(cat "$work/report")"
head -n 12 "$work/report"

mapfile -t hosts < <(pgrep -P "${process[orchestrator]}" -f /opt/stepstream/stepstream-step-host)
[ "${#hosts[@]}" -gt 0 ] || die "the orchestrator has no step hosts"
none=0000000000000000
for one in "${process[@]}" "${hosts[@]}"; do
  expect "the user of process $one" "$(status "$one" Uid)" "${user%:*}	${user%:*}	${user%:*}	${user%:*}"
  expect "the capabilities of process $one" "$(status "$one" CapEff) $(status "$one" CapBnd)" "$none $none"
done
for one in "${hosts[@]}"; do expect "seccomp of step host $one" "$(status "$one" Seccomp)" 2; done

for role in gateway orchestrator; do
  from=$SECONDS
  kill -TERM "${process[$role]}"
  ended=0
  wait "${process[$role]}" || ended=$?
  expect "$role, told to stop, ended with" "$ended" 0
  [ $((SECONDS - from)) -lt "$(jq .stop_grace_seconds "$work/$role.json")" ] \
    || die "$role took $((SECONDS - from)) s to stop"
done
[ -s "$work/orchestrator/journal.sqlite" ] || die "the journal is not in the volume"
say "every check passed after $SECONDS s"
