# Sourced by the scripts of the folder above: where things are, and how a build is made.
# shellcheck shell=bash
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
export LC_ALL=C.UTF-8
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
source "$root/scripts/lib/progress.sh"
cores=$(nproc)

if [[ -t 1 ]]; then bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'; else bold='' red='' green='' plain=''; fi

# configure DIRECTORY COMPILER MESON_OPTION...: make or refresh a build directory; meson finds ccache for g++ itself. A
# new directory gets the options of $at_first too.
at_first=()
configure() {
  local directory=$1 compiler=$2
  shift 2
  local cxx=$compiler
  if command -v ccache >/dev/null; then cxx="ccache $compiler"; fi
  if [[ -f $directory/meson-private/coredata.dat ]]; then
    if meson configure "$directory" "$@" >/dev/null 2>&1; then
      ninja -C "$directory" build.ninja  # changed options may have changed what there is to build
      return
    fi
    rm -rf "$directory"  # made by another meson, or from other options: begin again
  fi
  rm -rf "$directory"
  mkdir -p "$(dirname "$directory")"
  CXX=$cxx meson setup "$directory" "$root" "${at_first[@]}" "$@"
}

# compile DIRECTORY LOG [TARGET...]: ninja, which says how far it is. Its whole output goes to LOG; on failure the errors
# are shown.
compile() {
  local directory=$1 log=$2 status
  shift 2
  {
    NINJA_STATUS='[%f/%t] ' ninja -C "$directory" -j "$cores" "$@" 2>&1
    echo "ninja exit $?"
  } | tee "$log" | sed -nuE 's#^\[([0-9]+)/([0-9]+)\] (.*)#\1 \2 \3#p' | show_progress steps
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

# outputs DIRECTORY NAME...: files of these names that the build makes, as ninja calls them.
outputs() {
  local name
  for name in "${@:2}"; do sed -nE "s#^build (([^ :]*/)?$name): .*#\\1#p" "$1/build.ninja"; done
}

# What set_up_and_run installs and builds: package groups (packages.txt) and further lists of packages, programs by name and
# by the folder that defines them, and what is configured for them.
groups=(run)
lists=()
programs=(serried-server serried-swarm serried-token)
program_folders=()
meson_options=()

# set_up_and_run NAME ARGUMENT...: set up, build what these arrays say and nothing else (release), then run NAME_run.py.
# Names of files that the caller gives start in the caller's directory; faults of the command line are said before
# anything is installed or built, where there is a Python already.
set_up_and_run() {
  local name=$1 from=$PWD run needs targets at_first
  shift
  run=$root/scripts/lib/${name//-/_}_run.py
  if command -v python3 >/dev/null; then needs=$(python3 "$run" --only-check-options "$@") || exit $?; fi
  if [[ " $* " == *" -h "* || " $* " == *" --help "* ]]; then
    command -v python3 >/dev/null || "$root/scripts/setup" --quiet --only run || exit 1
    exec python3 "$run" --help
  fi
  cd "$root" || exit 1
  scripts/setup --quiet --only "$(IFS=,; echo "${groups[*]}")" || exit 1
  local list
  for list in "${lists[@]}"; do scripts/setup --quiet --list "$list" || exit 1; done
  needs=$(cd "$from" && python3 "$run" --only-check-options "$@") || exit $?
  if [[ $needs == xdp ]]; then
    scripts/setup --quiet --only xdp || exit 1
    programs+=(serried_filter.bpf.o)
  fi
  if [[ -e build && ! -w build ]]; then
    echo "$name: $root/build belongs to another user (a run as root?); remove it, or run as that user" >&2
    exit 1
  fi
  mkdir -p "build/$name" || exit 1
  # Tests need more packages: a new directory is without them until scripts/test adds them, and keeps what is built.
  at_first=(-Dtests=false -Dbenchmarks=false)
  if ! configure build/release g++ -Dbuildtype=release "${meson_options[@]}" >"build/$name/configure.log" 2>&1; then
    tail -n 20 "build/$name/configure.log"
    echo "$name: the build could not be configured; see above" >&2
    exit 1
  fi
  # The directory may be older than the clang that the XDP program needs.
  if [[ $needs == xdp && -z $(outputs build/release serried_filter.bpf.o) ]]; then
    meson setup --reconfigure build/release >>"build/$name/configure.log" 2>&1
  fi
  mapfile -t targets < <(outputs build/release "${programs[@]}")
  (( ${#program_folders[@]} )) && mapfile -t -O "${#targets[@]}" targets < <(targets build/release "${program_folders[@]}")
  echo "$name: building (release)"
  compile build/release "build/$name/build.log" "${targets[@]}" || { echo "$name: the build failed; see above" >&2; exit 1; }
  cd "$from" || exit 1
  exec python3 "$run" "$@"
}
