#!/bin/bash
# deploy/try.sh [--keep]
# Builds the images, brings up a server and a client on this machine, each in a network of its own, checks that all services are
# healthy, that traffic passes the tunnel and goes on when a link is cut, and takes everything down again. Needs Docker with compose.
#   BASE_IMAGE     a Debian with Node 24 and npm (default node:24-bookworm-slim)
#   BUILD_NETWORK  network of the build (default: the engine's; "host" where builds have none)
#   --keep         leaves everything running, and says how to look at it and how to remove it
set -euo pipefail
cd "$(dirname "$0")"

keep=no
[ "${1:-}" = --keep ] && keep=yes
compose() { docker compose --progress quiet --file compose.try.yaml "$@"; }
say() { printf '\n== %s\n' "$*"; }
in_client() { compose exec -T client-linkmon "$@"; }
in_server() { compose exec -T server-linkmon "$@"; }
# client_api PATH EXPRESSION: a resource of the client's REST API, through a JavaScript function.
client_api() {
  compose exec -T client-api node -e "fetch('http://127.0.0.1:9080/api/v1/$1').then((r) => r.json()).then((v) => console.log(($2)(v)))"
}
show_links() {
  client_api links 'v => v.links.flatMap(({ link: l }) => l ?? []).map((l) => `${l.name}: ${l.condition}. ${l.reason}`).join("\n")'
}

finish() {
  status=$?
  if [ "$status" -ne 0 ]; then
    say "It failed. The last lines of each service:"
    compose logs --no-color --tail 15 || true
  fi
  if [ "$keep" = yes ]; then
    echo "Left running. Remove it with: docker compose --file deploy/compose.try.yaml down --volumes"
  else
    say "Taking everything down"
    compose --profile tools down --volumes --timeout 10
  fi
  exit "$status"
}
trap finish EXIT

say "Building the images (the first time takes minutes)"
docker compose --file compose.server.yaml --profile tools build --quiet

say "Two networks, a server's files and a client's"
compose up --detach server-host client-host
compose run --rm --no-deps server-cli server init --state-dir /var/lib/edgebos/server --host 203.0.113.1
compose run --rm --no-deps server-cli server client add try --state-dir /var/lib/edgebos/server --out /out

say "Starting both ends"
compose up --detach --wait --wait-timeout 120

say "Waiting for the tunnel"
ready=no
for _ in $(seq 60); do
  ready=$(client_api status 's => s.ready ? "yes" : "no"' || true)
  [ "$ready" = yes ] && break
  sleep 0.5
done
client_api status 's => s.summary'
show_links
[ "$ready" = yes ] || { echo "The tunnel did not come up."; exit 1; }

say "A download through the tunnel, with a link cut in the midst of it"
inner=$(in_server ip -oneline -4 address show dev edgebos0 | awk '{ sub("/.*", "", $4); print $4 }')
compose exec -T --detach server-api node -e '
  const chunk = Buffer.alloc(65536, 1);
  require("node:http").createServer((_, answer) => {
    let left = 800;
    const more = () => { while (left-- > 0) if (!answer.write(chunk)) return answer.once("drain", more); answer.end(); };
    more();
  }).listen(8080, process.argv[1]);' "$inner"
compose exec -T client-api node -e '
  setTimeout(async () => {
    const begin = performance.now();
    let bytes = 0, last = begin, gap = 0;
    for await (const part of (await fetch(`http://${process.argv[1]}:8080/`)).body) {
      const now = performance.now();
      gap = Math.max(gap, now - last); last = now; bytes += part.length;
    }
    const seconds = (last - begin) / 1000;
    console.log(`${bytes} bytes in ${seconds.toFixed(2)} s, ${(bytes * 8 / 1e6 / seconds).toFixed(0)} Mbit/s, longest gap ${gap.toFixed(0)} ms`);
    process.exit(bytes === 800 * 65536 ? 0 : 1);
  }, 500);' "$inner" &
download=$!
sleep 1.2
docker network disconnect edgebos-try_link-b "$(compose ps --quiet client-host)"
wait "$download"
sleep 1
show_links

say "Every metric of the dashboard is emitted"
compose exec -T client-api node --input-type=module -e "$(cat grafana/emitted.mjs)" < grafana/gen/edgebos.json

[ "$keep" = no ] || exit 0

say "A clean stop leaves nothing behind"
compose stop --timeout 10 client-api client-scheduler client-dataplane
compose stop --timeout 10 client-linkmon client-nats
left=$(compose run --rm --no-deps --entrypoint sh client-linkmon -c \
  'ip -oneline link show edgebos0 2>/dev/null; for family in -4 -6; do ip $family rule | grep -E "^2[0-9]{4}:"; done; nft list tables | grep edgebos' || true)
[ -z "$left" ] || { printf 'left over:\n%s\n' "$left"; exit 1; }
echo "no interface, rule or table of ours is left"
