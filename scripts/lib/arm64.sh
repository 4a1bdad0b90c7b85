# Sourced by scripts/test: a build for ARM64 on a machine of another kind.
# shellcheck shell=bash

# arm64_system FOLDER: in FOLDER/system, what is built against and run with: the libraries of packages.txt for ARM64, and what
# they depend on, from the archive that apt has here. Downloaded and unpacked, not installed: apt is given a state of its
# own in FOLDER, and that of this machine knows nothing of it. Needs no root.
arm64_system() {
  local folder=$1 package wanted=(libc6-dev libgtest-dev)
  mapfile -t -O "${#wanted[@]}" wanted < <(sed -nE '/^\[run\]/,/^\[xdp\]/ s/^([a-z0-9+.-]+-dev)$/\1/p' scripts/lib/packages.txt)
  [[ $(cat "$folder/unpacked" 2>/dev/null) == "${wanted[*]}" ]] && return
  rm -rf "$folder/apt/archives" "$folder/apt/lists" "$folder/system" "$folder/release" "$folder/unpacked"
  mkdir -p "$folder"/apt/{lists,archives}/partial "$folder"/system/usr/{bin,lib,sbin} || return 1
  : >"$folder/apt/status"
  cat >"$folder/apt/apt.conf" <<TEXT
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Dir::State "$folder/apt";
Dir::State::lists "$folder/apt/lists";
Dir::State::status "$folder/apt/status";
Dir::Cache "$folder/apt";
Dir::Cache::archives "$folder/apt/archives";
TEXT
  echo "  packages for ARM64: ${wanted[*]}"
  if ! { APT_CONFIG=$folder/apt/apt.conf apt-get -q update &&
         APT_CONFIG=$folder/apt/apt.conf apt-get -q -y --download-only install "${wanted[@]}"; } >"$folder/apt.log" 2>&1; then
    tail -n 15 "$folder/apt.log"
    echo "  the packages for ARM64 cannot be had, see above: apt's archive here must have them"
    return 1
  fi
  # As a system has it whose programs all are in /usr.
  for package in bin lib sbin; do ln -s "usr/$package" "$folder/system/$package"; done
  for package in "$folder"/apt/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink --no-same-owner --directory "$folder/system" \
      --exclude='./usr/share/doc' --exclude='./usr/share/man' --exclude='./usr/share/locale' ||
      { echo "  $package cannot be unpacked"; return 1; }
  done
  rm -rf "$folder/apt/archives"
  echo "${wanted[*]}" >"$folder/unpacked"
}

# arm64_configure FOLDER LOG: a release build in FOLDER/release, against FOLDER/system.
arm64_configure() {
  local folder=$1 log=$2
  [[ -f $folder/release/meson-private/coredata.dat ]] && { ninja -C "$folder/release" build.ninja >"$log" 2>&1 && return; }
  rm -rf "$folder/release"
  printf "[constants]\nsystem = '%s'\n" "$folder/system" >"$folder/system.ini"
  meson setup "$folder/release" "$root" --cross-file "$folder/system.ini" --cross-file scripts/lib/arm64.ini \
    -Dbuildtype=release -Dtests=true -Dbenchmarks=false -Dwerror=true >"$log" 2>&1
}

# rooms_below_port: the rooms that stand below `port` in layers.txt, one a line. None of them has anything of DPDK.
rooms_below_port() { sed -nE '/^port:/q; s/^([a-z/]+):.*/\1/p' src/layers.txt; }
