#!/usr/bin/env bash
# bench.sh REDRAFT: redis-benchmark against a node of ours, and side by side against redis-server
# where there is one: without persistence, and with an append-only file that is synced before each
# reply, which is what a node of ours does. The servers take turns in each round, so that a busy
# machine is equally unkind to all; the ratios of the medians are what counts.
#
#   ROUNDS=3    rounds
#   N=100000    requests of each workload and round
set -euo pipefail

redraft=${1:?usage: bench.sh REDRAFT}
rounds=${ROUNDS:-3}
requests=${N:-100000}
command -v redis-benchmark >/dev/null || { echo "bench.sh: redis-benchmark is missing (Debian: redis-tools)" >&2; exit 1; }

dir=$(mktemp -d)
pids=()
finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$dir"
}
trap finish EXIT

# free_port PORT: the first port from there on that nobody listens at.
free_port() {
  local port=$1
  while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
  echo "$port"
}

declare -A port
servers=(redraft)
port[redraft]=$(free_port 21379)
mkdir "$dir/redraft"
"$redraft" --port "${port[redraft]}" --dir "$dir/redraft" >"$dir/redraft.log" 2>&1 &
pids+=($!)
if command -v redis-server >/dev/null; then
  servers+=(redis-always redis-none)
  port[redis-always]=$(free_port 22379)
  port[redis-none]=$(free_port 23379)
  mkdir "$dir/redis-always" "$dir/redis-none"
  redis-server --port "${port[redis-always]}" --dir "$dir/redis-always" --save '' \
    --appendonly yes --appendfsync always >"$dir/redis-always.log" 2>&1 &
  pids+=($!)
  redis-server --port "${port[redis-none]}" --dir "$dir/redis-none" --save '' >"$dir/redis-none.log" 2>&1 &
  pids+=($!)
fi
for s in "${servers[@]}"; do
  for _ in $(seq 100); do
    [ "$(redis-cli -p "${port[$s]}" del bench:ready 2>/dev/null)" = 0 ] && continue 2 # a write, so it has a leader
    sleep 0.1
  done
  echo "bench.sh: $s does not answer:" >&2
  tail -5 "$dir/$s.log" >&2
  exit 1
done

# What is run: a name, then redis-benchmark's arguments.
workloads=(
  "SET 50|-t set -c 50"
  "GET 50|-t get -c 50"
  "SET 50 x 16|-t set -c 50 -P 16"
  "GET 50 x 16|-t get -c 50 -P 16"
  "INCR 50 x 16|-t incr -c 50 -P 16"
  "HSET 50 x 16|-t hset -c 50 -P 16"
  "MSET 50 x 16|-t mset -c 50 -P 16"
)
for round in $(seq "$rounds"); do
  for w in "${workloads[@]}"; do
    for s in "${servers[@]}"; do
      # shellcheck disable=SC2086
      rate=$(redis-benchmark -p "${port[$s]}" -n "$requests" -d 64 -r 100000 --csv ${w#*|} |
        awk -F'","|"' 'NR > 1 { print $3 }')
      echo "$s|${w%%|*}|$rate" >>"$dir/rates"
    done
  done
  echo "round $round of $rounds" >&2
done

median() { # SERVER WORKLOAD
  awk -F'|' -v s="$1" -v w="$2" '$1 == s && $2 == w { print $3 }' "$dir/rates" | sort -g |
    awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}
printf '%-14s' "requests/s"
printf '%14s' "${servers[@]}"
for s in "${servers[@]:1}"; do printf '%18s' "x $s"; done
echo
for w in "${workloads[@]}"; do
  name=${w%%|*}
  printf '%-14s' "$name"
  ours=$(median redraft "$name")
  for s in "${servers[@]}"; do printf '%14.0f' "$(median "$s" "$name")"; done
  for s in "${servers[@]:1}"; do
    awk -v a="$ours" -v b="$(median "$s" "$name")" 'BEGIN { printf "%18.2f", a / b }'
  done
  echo
done
