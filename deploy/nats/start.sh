#!/bin/sh
# start-nats STATE_DIR HOST:PORT MONITOR_PORT
# Runs the private nats-server of one instance. The token by which the services log in is made at the first start and lies in the
# state directory, where they read it; the values live in memory, since every service writes its own again.
set -eu
state_dir=$1
listen=$2
monitor_port=$3

token_file="$state_dir/nats-token"
mkdir -p "$state_dir"
if [ ! -s "$token_file" ]; then
  (umask 077 && od -An -N24 -tx1 /dev/urandom | tr -d ' \n' > "$token_file")
fi

config=/tmp/nats.conf
(umask 077 && cat > "$config" <<CONFIG
listen: "$listen"
http: "127.0.0.1:$monitor_port"
authorization { token: "$(cat "$token_file")" }
jetstream { store_dir: "/tmp/nats", max_memory_store: 16777216 }
CONFIG
)
exec nats-server -c "$config"
