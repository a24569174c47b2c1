#!/bin/sh
# Installs what the benchmark compares with and measures with, where it is missing.
set -eu

# frp, for raw TCP: built from its source where Go is there; without it the scenario leaves frp out.
frp="$(cd "$(dirname "$0")" && pwd)/.frp"
if [ ! -x "$frp/frps" ] || [ ! -x "$frp/frpc" ]; then
  if command -v go >/dev/null; then
    source=$(cd / && go mod download -json github.com/fatedier/frp@v0.61.0 | sed -n 's/^.*"Dir": "\(.*\)".*$/\1/p')
    if [ -z "$source" ] || ! (cd "$source" && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$frp/" ./cmd/frps ./cmd/frpc); then
      echo 'frp could not be built; it is left out' >&2
    fi
  else
    echo 'Without Go there is no frp to compare with; it is left out' >&2
  fi
fi

missing=''
command -v nginx >/dev/null || missing="$missing nginx-light"
command -v wrk >/dev/null || missing="$missing wrk"
command -v h2load >/dev/null || missing="$missing nghttp2-client"
command -v nats-server >/dev/null || missing="$missing nats-server"
[ -z "$missing" ] && exit 0

command -v apt-get >/dev/null || { echo "Please install:$missing" >&2; exit 1; }
[ "$(id -u)" = 0 ] || { echo "Not root; please run: apt-get install$missing" >&2; exit 1; }
apt-get update -qq
# The packages would start servers of their own on ports 80 and 6379: the policy keeps them from that while they are installed.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
