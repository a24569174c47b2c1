#!/usr/bin/env bash
# Policy agents of Berth and of the protocol's original, each asked by the other, over all transports.
# Needs cargo 1.95 or later and a checkout with `npm ci`; the first build takes some minutes.
#   bash test/interop/policy-agents/run.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
export PATH="$root/node_modules/.bin:$PATH"
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$here/target}
export TOKEN=s3cret
work=$(mktemp -d)
running=''
trap 'for pid in $running; do kill "$pid" 2>/dev/null || true; done; rm -rf "$work"' EXIT

command -v cargo > /dev/null || { echo 'cargo is missing: nothing was tried' >&2; exit 1; }
cd "$here"
PROTOC=${PROTOC:-$(command -v protoc || nice cargo run --quiet --locked -p protoc)}
export PROTOC
nice cargo build --quiet --locked -p zentinel -p sentinel
(cd "$root" && npm run --silent build)
zentinel="$CARGO_TARGET_DIR/debug/zentinel"
sentinel="$CARGO_TARGET_DIR/debug/sentinel"
ours="node $here/ours.ts"

failed=0
port=50970
# what, agent's command, client's command; PLACE and URL stand for where the agent is.
try() {
  local what=$1 agent=$2 client=$3 place="$work/$RANDOM.sock" url
  if [[ $agent == *grpc* ]]; then port=$((port + 1)); place="127.0.0.1:$port"; fi
  url=$place
  if [[ $agent == *grpc* && $client != *ours.ts* ]]; then url="http://$place"; fi
  local first="${agent/PLACE/$place}" second="${client/PLACE/$url}"
  # In a reverse connection the client's side listens.
  if [[ $agent == *reverse* ]]; then first="${client/PLACE/$place}"; second="${agent/PLACE/$place}"; fi
  local log="$work/log" other="$work/other"
  $first > "$other" 2>&1 &
  local pid=$!
  running="$running $pid"
  sleep 3
  if [[ $agent == *reverse* ]]; then
    $second > "$log" 2>&1 &
    local dialler=$!
    running="$running $dialler"
    local result=0
    wait "$pid" || result=$?
    kill "$dialler" 2> /dev/null || true
    cp "$other" "$log"
  else
    local result=0
    timeout 60 $second > "$log" 2>&1 || result=$?
    kill "$pid" 2> /dev/null || true
  fi
  wait "$pid" 2> /dev/null || true
  local good
  good=$(grep -c '^ok' "$log" || true)
  if [[ $result == 0 ]]; then
    printf 'pass  %-62s %2d cases\n' "$what" "$good"
  else
    failed=1
    printf 'FAIL  %-62s %2d cases\n' "$what" "$good"
    grep -v '^ok' "$log" | head -5 | cut -c1-300
  fi
}

echo "zentinel-agent-protocol 0.6.45, sentinel-agent-protocol 0.3.4, $(cargo --version), node $(node --version)"
try 'Berth asks a zentinel agent, unix, MessagePack' "$zentinel agent unix PLACE" "$ours client unix PLACE"
try 'Berth asks a zentinel agent, unix, JSON' "$zentinel agent unix PLACE" "$ours client unix-json PLACE"
try 'Berth asks a zentinel agent, gRPC' "$zentinel agent grpc PLACE" "$ours client grpc PLACE"
try 'Berth asks a sentinel agent, gRPC' "$sentinel agent grpc PLACE" "$ours client grpc PLACE"
try 'Berth asks an agent with zentinel messages, reverse' "$zentinel agent reverse PLACE" "$ours client reverse PLACE"
try 'Berth asks an agent with sentinel messages, reverse' "$sentinel agent reverse PLACE" "$ours client reverse PLACE"
try 'the zentinel pool asks a berth-policy agent, unix, MessagePack' "$ours agent unix PLACE" "$zentinel client unix PLACE"
try 'the zentinel pool asks a berth-policy agent, gRPC' "$ours agent grpc PLACE" "$zentinel client grpc PLACE"
try 'the zentinel pool asks a berth-policy agent, reverse' "$ours agent reverse PLACE" "$zentinel client reverse PLACE"
try 'the sentinel pool asks a berth-policy agent, unix, MessagePack' "$ours agent unix PLACE" "$sentinel client unix PLACE"
try 'the sentinel pool asks a berth-policy agent, gRPC' "$ours agent grpc PLACE" "$sentinel client grpc PLACE"
try 'the sentinel pool asks a berth-policy agent, reverse' "$ours agent reverse PLACE" "$sentinel client reverse PLACE"
exit $failed
