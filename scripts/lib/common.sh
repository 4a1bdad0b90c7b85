# Sourced by the scripts of the folder above: where things are, and how a build is made.
# shellcheck shell=bash
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
export LC_ALL=C.UTF-8
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cores=$(nproc)

if [[ -t 1 ]]; then bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'; else bold='' red='' green='' plain=''; fi

# configure DIRECTORY COMPILER MESON_OPTION...: make or refresh a build directory; meson finds ccache for g++ itself.
configure() {
  local directory=$1 compiler=$2
  shift 2
  local cxx=$compiler
  if command -v ccache >/dev/null; then cxx="ccache $compiler"; fi
  if [[ -f $directory/meson-private/coredata.dat ]]; then
    meson configure "$directory" "$@" >/dev/null 2>&1 && return 0
    rm -rf "$directory"  # made by another meson, or from other options: begin again
  fi
  rm -rf "$directory"
  mkdir -p "$(dirname "$directory")"
  CXX=$cxx meson setup "$directory" "$root" "$@"
}

# compile DIRECTORY LOG [TARGET...]: ninja with one moving line of progress on a terminal, and a line
# now and then without one. The whole output goes to LOG; on failure the errors are shown.
compile() {
  local directory=$1 log=$2
  shift 2
  local began=$SECONDS shown=$SECONDS line status
  {
    NINJA_STATUS='[%f/%t] ' ninja -C "$directory" "$@" 2>&1
    echo "ninja exit $?"
  } | tee "$log" | while IFS= read -r line; do
    [[ $line == \[*/*\]* ]] || continue
    if [[ -t 1 ]]; then
      printf '\r\e[K  %s' "${line:0:100}"
    elif (( SECONDS - shown >= 15 )); then
      shown=$SECONDS
      printf '  %s  %d s\n' "${line%%]*}]" $(( SECONDS - began ))
    fi
  done
  [[ -t 1 ]] && printf '\r\e[K'
  status=$(tail -n 1 "$log")
  if [[ $status != "ninja exit 0" ]]; then
    grep -E -A 6 '^FAILED:|error:|undefined reference|ninja: error' "$log" | head -n 60
    echo "the whole build log: $log"
    return 1
  fi
}

# targets DIRECTORY FOLDER...: the executables that the meson.build files of these folders define, as ninja calls them.
targets() {
  meson introspect --targets "$1" | python3 -c '
import json, os, sys
folders = tuple(os.path.join(sys.argv[1], folder) + "/" for folder in sys.argv[3:])
for target in json.load(sys.stdin):
    if target["type"] == "executable" and target["defined_in"].startswith(folders):
        print(os.path.relpath(target["filename"][0], sys.argv[2]))' "$root" "$(realpath "$1")" "${@:2}"
}

# set_up_and_run NAME ARGUMENT...: set up, build the programs of these folders (release), then run NAME_run.py. Names of
# files that the caller gives start in the caller's directory; faults of the command line are said before anything is installed or
# built, where there is a Python already.
program_folders=(src/control src/tools)
set_up_and_run() {
  local name=$1 from=$PWD argument programs
  shift
  if command -v python3 >/dev/null; then
    python3 "$root/scripts/lib/${name}_run.py" --only-check-options "$@" || exit $?
    for argument in "$@"; do [[ $argument == -h || $argument == --help ]] && exit 0; done
  fi
  cd "$root" || exit 1
  scripts/setup --quiet || exit 1
  if [[ -e build && ! -w build ]]; then
    echo "$name: $root/build belongs to another user (a run as root?); remove it, or run as that user" >&2
    exit 1
  fi
  mkdir -p "build/$name" || exit 1
  echo "$name: building (release); the first time takes some minutes"
  if ! configure build/release g++ -Dbuildtype=release -Dtests=true -Dbenchmarks=true >"build/$name/configure.log" 2>&1; then
    tail -n 20 "build/$name/configure.log"
    echo "$name: the build could not be configured; see above" >&2
    exit 1
  fi
  mapfile -t programs < <(targets build/release "${program_folders[@]}")
  compile build/release "build/$name/build.log" "${programs[@]}" || { echo "$name: the build failed; see above" >&2; exit 1; }
  cd "$from" || exit 1
  exec python3 "$root/scripts/lib/${name}_run.py" "$@"
}
