# Sourced by tools/demo and tools/test: finds the checkout, installs what is missing, builds.
# Works from any folder, as root or with sudo, and asks no questions.

quire_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
packages_to_build="meson ninja-build pkg-config gcc libc6-dev python3 libwebsockets-dev
  libwebsockets-evlib-uv liblmdb-dev libmsgpack-dev libsodium-dev libssl-dev libuv1-dev uthash-dev
  libjansson-dev libutf8proc-dev libarchive-dev libcmark-dev libyaml-dev libxml2-dev
  libqrencode-dev libseccomp-dev"
packages_to_test="zlib1g-dev unicode-data libcriterion-dev lmdb-utils clang-14 libclang-rt-14-dev llvm-14 clang-format-14 binutils faketime openssl zbar-tools"

say() { printf '%s\n' "$*"; }
fail() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# need_packages NAME…: installs those that are missing, and says so.
need_packages() {
  local missing=() name
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "This is not Debian: expecting these to be there already:" "$@"
    return 0
  fi
  for name in "$@"; do
    case $(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null || true) in
      installed) ;;
      *) missing+=("$name") ;;
    esac
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "as root, run: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "Installing with apt: ${missing[*]}"
  local log
  log=$(mktemp)
  if ! { "${as_root[@]}" apt-get -q update &&
         "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 \
           install --no-install-recommends "${missing[@]}"; } </dev/null >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    fail "apt could not install: ${missing[*]}"
  fi
  rm -f "$log"
}

# quietly LOG COMMAND…: runs it; its output goes to LOG and is shown only if it fails.
quietly() {
  local log=$1
  shift
  mkdir -p "$(dirname "$log")"
  "$@" </dev/null >"$log" 2>&1 && return 0
  local code=$?
  tail -n 60 "$log" >&2
  say "failed: $* (all of it: $log)" >&2
  return $code
}

# build FOLDER [meson setup options…] [-- ninja targets…]: sets it up once, then builds.
build() {
  local folder=$1 options=() targets=()
  shift
  while [ $# -gt 0 ] && [ "$1" != -- ]; do options+=("$1"); shift; done
  [ $# -eq 0 ] || { shift; targets=("$@"); }
  cd "$quire_root" || return
  # A folder that was set up with other options, or moved, is set up anew.
  local stamp="$folder/.quire-options"
  if [ ! -f "$folder/build.ninja" ] || [ "$(cat "$stamp" 2>/dev/null)" != "$PWD ${CC:-} ${options[*]}" ]; then
    rm -rf "$folder"
    quietly "$folder.setup.log" meson setup "$folder" "${options[@]}" || return
    mv "$folder.setup.log" "$folder/setup.log"
    printf '%s' "$PWD ${CC:-} ${options[*]}" >"$stamp"
  fi
  quietly "$folder/build.log" ninja -j "${QUIRE_JOBS:-$(nproc)}" -C "$folder" "${targets[@]}"
}
