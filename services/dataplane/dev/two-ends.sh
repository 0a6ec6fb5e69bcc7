#!/usr/bin/env bash
# Both ends of a tunnel in two network namespaces, the dataplane alone: no NATS, no other service. The client's links come from the
# file in which it remembers them, their source routing from here.
#
#   dp-c  10.77.1.2 ── link1 ── 10.77.1.1  dp-s        10.77.0.1 is the server's address (on its loopback)
#         10.77.2.2 ── link2 ── 10.77.2.1
#
#   two-ends.sh up [LINKS]      two-ends.sh down        then e.g.: ip netns exec dp-c ping 10.231.0.1
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
work=${DP_WORK:-/tmp/edgebos-two-ends}
node=${NODE:-node}

up() {
  local links=${1:-1} i
  mkdir -p "$work/client/dataplane"
  ip netns add dp-c && ip netns add dp-s
  ip -n dp-c link set lo up && ip -n dp-s link set lo up
  ip -n dp-s address add 10.77.0.1/32 dev lo
  for i in $(seq "$links"); do add_link "$i"; done
  remember_links "$links"
  configure
  start dp-s server && sleep 1 && start dp-c client
  wait_for_session
}

add_link() {
  ip link add "link$1" netns dp-c type veth peer name "link$1" netns dp-s
  ip -n dp-c address add "10.77.$1.2/24" dev "link$1"
  ip -n dp-s address add "10.77.$1.1/24" dev "link$1"
  ip -n dp-c link set "link$1" up && ip -n dp-s link set "link$1" up
  ip -n dp-c route add default via "10.77.$1.1" dev "link$1" metric "$((100 + $1))"
  ip -n dp-c route add default via "10.77.$1.1" dev "link$1" table "$((8500 + $1))"
  ip -n dp-c rule add from "10.77.$1.2" lookup "$((8500 + $1))" priority 20000
}

remember_links() {
  local i entries=()
  for i in $(seq "$1"); do
    entries+=("{\"name\":\"link$i\",\"ifindex\":$(ip netns exec dp-c cat "/sys/class/net/link$i/ifindex"),\"carrier\":true,\"mtuBytes\":1500,\"addresses\":[\"10.77.$i.2\"],\"gatewayV4\":\"10.77.$i.1\"}")
  done
  (IFS=,; echo "[${entries[*]}]") > "$work/client/dataplane/links.json"
}

configure() {
  local cli="$here/../../packages/cli/src/main.ts"
  [ -e "$work/server/config.yaml" ] && return
  "$node" "$cli" server init --state-dir "$work/server" --host 10.77.0.1 > /dev/null
  "$node" "$cli" server client add two-ends --state-dir "$work/server" --out "$work/files" > /dev/null
  { cat "$work/files/config.yaml"; echo "state_dir: $work/client"; } > "$work/files/client.yaml"
}

start() {
  local config=$work/server/config.yaml
  [ "$2" = client ] && config=$work/files/client.yaml
  # shellcheck disable=SC2086
  setsid ip netns exec "$1" "$node" ${NODE_FLAGS:-} "$here/src/main.ts" --config "$config" > "$work/$2.log" 2>&1 < /dev/null &
  echo $! > "$work/$2.pid"
}

wait_for_session() {
  local i
  for i in $(seq 200); do
    ip netns exec dp-c ping -I edgebos0 -c 1 -W 1 10.231.0.1 > /dev/null 2>&1 && { echo "the tunnel is up"; return; }
    sleep 0.1
  done
  echo "no session: see $work/client.log and $work/server.log" >&2
  exit 1
}

down() {
  local end
  for end in client server; do
    [ -e "$work/$end.pid" ] || continue
    kill "$(cat "$work/$end.pid")" 2> /dev/null || true
    tail --pid="$(cat "$work/$end.pid")" -f /dev/null
    rm -f "$work/$end.pid"
  done
  ip netns del dp-c 2> /dev/null || true
  ip netns del dp-s 2> /dev/null || true
}

case ${1:-} in
  up | down | start) "$@" ;;
  *) sed -n '2,/^set/p' "$0" | grep '^#' && exit 1 ;;
esac
