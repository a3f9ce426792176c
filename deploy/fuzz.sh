#!/usr/bin/env bash
# Fuzzes the readers of outside input with libFuzzer and AddressSanitizer: wire frames, JSON, YAML, expressions,
# patterns, JSON Schema, HTTP and WebSocket. Fails at an input that crashes, breaks a promise, or takes more than a
# second or 256 MiB; that input is kept in .build-fuzz/found.
#
#   deploy/fuzz.sh [--seconds N] [READER…]   # each reader, or those named, for N seconds; 20 by default
#   deploy/fuzz.sh READER FILE…              # reads these inputs once
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

fuzz=$root/Tests/Fuzz
scratch=$root/.build-fuzz
checkouts=$root/.build/checkouts

usage() { die "usage: deploy/fuzz.sh [--seconds N] [READER…] or deploy/fuzz.sh READER FILE…; readers: ${all[*]}"; }

# The flags of every Swift module: where it finds those that are instrumented, and then what the debug build has made.
set_flags() {
  local directory map
  flags=(-O -gline-tables-only -parse-as-library -enable-testing -I "$scratch" -I "$plain/Modules"
    -Xcc "-I$fuzz/Support")
  for map in "$plain"/*.build/module.modulemap; do flags+=(-Xcc "-fmodule-map-file=$map"); done
  for directory in Sources/StepABI/include "$checkouts"/*/Sources/*/include; do
    [ ! -d "$directory" ] || flags+=(-Xcc "-I$directory")
  done
}

# compile MODULE FLAG… -- SOURCE…: compiles a Swift module when a source, or a module before it, is newer.
compile() {
  local module=$1 own=()
  shift
  while [ "$1" != -- ]; do
    own+=("$1")
    shift
  done
  shift
  objects+=("$scratch/$module.o")
  [ -n "$stale" ] || [ ! -e "$scratch/$module.o" ] || [ -n "$(find "$@" -newer "$scratch/$module.o" -print -quit)" ] ||
    return 0
  stale=yes
  say "compiling $module for fuzzing"
  rm -f "$scratch/$module.o"
  swiftc -c -wmo -module-name "$module" -emit-module -emit-module-path "$scratch/$module.swiftmodule" \
    "${flags[@]}" "${own[@]}" $(find "$@" -name '*.swift') -o "$scratch/$module.o"
}

# compile_c NAME DIRECTORY…: compiles the C files of the first directory, with all of them searched for headers.
compile_c() {
  local name=$1 from=$2 source object directory include=()
  shift
  for directory in "$@"; do include+=("-I$directory"); done
  for source in "$from"/*.c; do
    object=$scratch/$name-$(basename "$source" .c).o
    objects+=("$object")
    [ ! -e "$object" ] || [ "$source" -nt "$object" ] || continue
    clang -c -O1 -g -fsanitize=fuzzer-no-link,address "${include[@]}" "$source" -o "$object"
  done
}

# Links what the server links, with the instrumented modules in the place of its own.
build_fuzzer() {
  # The debug build, with all that the readers import; there already when deploy/test.sh runs this.
  swift build --product stepstream
  plain=$(swift build --show-bin-path)
  objects=() stale=
  local instrumented=(-sanitize=fuzzer,address) target replaced=(GRDB Yams NIOHTTP1 CNIOLLHTTP CYaml)
  mkdir -p "$scratch"
  set_flags
  local nio=$checkouts/swift-nio/Sources yams=$checkouts/Yams/Sources
  compile_c CYaml "$yams/CYaml/src" "$yams/CYaml/include"
  compile_c CNIOLLHTTP "$nio/CNIOLLHTTP" "$nio/CNIOLLHTTP/include"
  compile_c FuzzSupport "$fuzz/Support"
  local ours=(-swift-version 6 -package-name stepstream -enable-upcoming-feature ExistentialAny
    -enable-upcoming-feature MemberImportVisibility -enable-upcoming-feature InternalImportsByDefault)
  local theirs=("${instrumented[@]}" -swift-version 5 -suppress-warnings -DSWIFT_PACKAGE)
  compile Yams "${theirs[@]}" -- "$yams/Yams"
  compile NIOHTTP1 "${theirs[@]}" -package-name swift_nio -- "$nio/NIOHTTP1"
  compile WorkflowModel "${ours[@]}" "${instrumented[@]}" -- Sources/WorkflowModel
  compile WorkflowEngine "${ours[@]}" -- Sources/WorkflowEngine
  compile StepHosting "${ours[@]}" "${instrumented[@]}" -- Sources/StepHosting/Wire
  compile WebServing "${ours[@]}" "${instrumented[@]}" -- Sources/WebServing
  compile Fuzz "${ours[@]}" "${instrumented[@]}" -- "$fuzz"
  for target in Sources/*/; do replaced+=("$(basename "$target")"); done
  grep -vE "/($(IFS='|' && printf '%s' "${replaced[*]}"))\.build/" "$plain/stepstream.product/Objects.LinkFileList" \
    > "$scratch/plain-objects"
  swiftc -use-ld=lld "${instrumented[@]}" "${objects[@]}" "@$scratch/plain-objects" -lz -lm -o "$scratch/fuzz"
}

# run_reader READER ARGUMENT…: one process of libFuzzer.
run_reader() {
  local reader=$1
  shift
  # The backtracer would hang under AddressSanitizer, which has one of its own. libFuzzer's own limits are for what
  # the fuzzer cannot measure: a reader that never returns, and memory that stays after an input.
  FUZZ_READER=$reader SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=16 \
    "$scratch/fuzz" -timeout=30 -rss_limit_mb=1024 -artifact_prefix="$scratch/found/$reader-" "$@"
}

# fuzz_reader READER: runs it for a while; the corpus in the repository is read, what is found beyond it stays apart.
fuzz_reader() {
  local reader=$1 log=$scratch/$1.log dictionary=$fuzz/Dictionaries/$1.dict arguments=()
  [ ! -e "$dictionary" ] || arguments+=("-dict=$dictionary")
  mkdir -p "$scratch/corpus/$reader"
  if run_reader "$reader" -max_total_time="$seconds" -print_final_stats=1 "${arguments[@]}" \
    "$scratch/corpus/$reader" "$fuzz/Corpus/$reader" > "$log" 2>&1; then
    printf '%-10s %9d inputs, %6d a second\n' "$reader" "$(figure number_of_executed_units "$log")" \
      "$(figure average_exec_per_sec "$log")"
    return
  fi
  grep -v '^#' "$log" | tail -n 40
  printf '%-10s FAILED\n' "$reader"
  return 1
}

figure() { sed -n "s/^stat::$1: *//p" "$2"; }

cd "$root"
all=()
for directory in "$fuzz"/Corpus/*/; do all+=("$(basename "$directory")"); done
seconds=20
if [ "${1-}" = --seconds ]; then
  [[ "${2-}" =~ ^[0-9]+$ ]] || usage
  seconds=$2
  shift 2
fi
if [ $# -gt 1 ] && [ -d "$fuzz/Corpus/$1" ] && [ -f "$2" ]; then
  build_fuzzer
  mkdir -p "$scratch/found"
  run_reader "$@"
  exit
fi
readers=("$@")
[ $# -gt 0 ] || readers=("${all[@]}")
for reader in "${readers[@]}"; do [ -d "$fuzz/Corpus/$reader" ] || usage; done
build_fuzzer
mkdir -p "$scratch/found"
export -f fuzz_reader run_reader figure
export fuzz scratch seconds
# One for each processor at a time; a failure stops none of the others.
if ! printf '%s\n' "${readers[@]}" | xargs -P "$(nproc)" -I READER bash -c 'set -euo pipefail; fuzz_reader READER'; then
  printf 'Fuzzing failed; the inputs are in %s\n' "$scratch/found"
  exit 1
fi
printf 'Fuzzing passed: %d readers, %d s each\n' "${#readers[@]}" "$seconds"
