# shellcheck shell=bash
# What the scripts of deploy/ share; sourced, not run.

# The root of the checkout, whatever the caller's working directory is.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# Shared by every script that sources this file.
# shellcheck disable=SC2034
plugins_scratch="$root/.build-plugins"

say() { printf '%s\n' "$*" >&2; }

die() {
  say "$(basename "$0"): $*"
  exit 1
}

# as_root COMMAND…: runs it as root, by sudo where that is needed.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo > /dev/null; then
    sudo "$@"
  else
    die "root or sudo is needed for: $*"
  fi
}

# install_packages NAME…: installs the Debian packages that are missing; asks no server when none is.
install_packages() {
  local missing=() name
  for name in "$@"; do
    [ "$(dpkg-query --show --showformat '${db:Status-Status}' "$name" 2> /dev/null)" = installed ] || missing+=("$name")
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  say "installing ${missing[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
}

# What the package needs to compile and link: SQLite for the journal, zlib for compressed frames, librdkafka.
install_build_packages() {
  command -v swift > /dev/null || die "a Swift 6.3 toolchain is needed on the PATH"
  install_packages libsqlite3-dev zlib1g-dev librdkafka-dev
}

# plugin_packages: the names of the packages under plugins/, one a line.
plugin_packages() {
  local manifest
  for manifest in "$root"/plugins/*/Package.swift; do
    [ -e "$manifest" ] || continue
    basename "$(dirname "$manifest")"
  done
}

# build_plugin NAME CONFIGURATION [ARGUMENT…]: builds plugins/NAME with further arguments for `swift build`.
build_plugin() {
  local name=$1 configuration=$2
  shift 2
  # The plan in a shared scratch path may be another package's: SwiftPM must not take it for this one's.
  swift build -c "$configuration" --disable-build-manifest-caching --package-path "$root/plugins/$name" \
    --scratch-path "$plugins_scratch" "$@"
}

# install_plugin NAME DIRECTORY: puts what build_plugin built into DIRECTORY (…/CONFIGURATION/plugins), as NAME.so.
install_plugin() {
  local product
  # The one dynamic product is the plugin; its name is the package's to choose.
  product=$(sed -nE 's/.*\.library\(name: "([^"]+)", type: \.dynamic.*/\1/p' "$root/plugins/$1/Package.swift")
  if [ -z "$product" ] || [ "$(wc -l <<< "$product")" != 1 ]; then die "plugins/$1 has not exactly one dynamic library"; fi
  # A temporary file and a rename: a server may have the old file mapped.
  mkdir -p "$2" \
    && cp "$plugins_scratch/$(basename "$(dirname "$2")")/lib$product.so" "$2/.$1.so.new" \
    && mv -f "$2/.$1.so.new" "$2/$1.so"
}

# make_venv ARGUMENT…: the Python environment in .venv, made when missing, with what `pip install ARGUMENT…` names.
make_venv() {
  python3 -c 'import ensurepip' 2> /dev/null || install_packages python3 python3-venv || return 1
  [ -x "$root/.venv/bin/python" ] || python3 -m venv "$root/.venv" || return 1
  "$root/.venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
}
