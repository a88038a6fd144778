#!/usr/bin/env bash
# bench-memory.sh REDRAFT: what data take in memory, resident bytes as the system counts them, in a
# node of ours and in redis-server where there is one. Each kind of data gets a server of its own; what
# it had when it was empty is taken off. Both get a few seconds to come to rest and are asked for MEMORY PURGE
# first, or chance would decide how much garbage counts.
#
#   SCALE=100   percent of the data
set -euo pipefail

redraft=${1:?usage: bench-memory.sh REDRAFT}
scale=${SCALE:-100}
command -v redis-cli >/dev/null || { echo "bench-memory.sh: redis-cli is missing (Debian: redis-tools)" >&2; exit 1; }

dir=$(mktemp -d)
pid=
finish() {
  [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$dir"
}
trap finish EXIT

# A node takes the port and the one 10000 above it.
busy() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
port=$((20000 + RANDOM % 10000))
while busy "$port" || busy $((port + 10000)); do port=$((port + 1)); done

# The data, as commands that redis-cli --pipe takes.
strings() { # 1 M strings: 16-byte keys, 64-byte values
  awk -v n=$((10000 * scale)) 'BEGIN {
    for (i = 0; i < n; i++) printf "*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$64\r\n%064d\r\n", i, i * 7919 }'
}
hashes() { # 100 k hashes of 10 fields
  awk -v n=$((1000 * scale)) 'BEGIN {
    for (i = 0; i < n; i++) {
      printf "*22\r\n$4\r\nHSET\r\n$17\r\nhash:%012d\r\n", i
      for (j = 0; j < 10; j++) printf "$7\r\nfield:%d\r\n$10\r\n%010d\r\n", j, i * 10 + j
    } }'
}
zset() { # a sorted set of 1 M members
  awk -v n=$((10000 * scale)) 'BEGIN {
    for (i = 0; i < n; i++) { s = i * 7919 % 1000003; printf "*4\r\n$4\r\nZADD\r\n$1\r\nz\r\n$%d\r\n%d\r\n$19\r\nmember:%012d\r\n", length(s ""), s, i } }'
}

resident() {
  sleep 3
  redis-cli -p "$port" MEMORY PURGE >/dev/null
  sleep 1
  redis-cli -p "$port" INFO memory | tr -d '\r' | awk -F: '$1 == "used_memory_rss" { print $2 }'
}

measure() { # SERVER KIND: resident bytes of the data
  local empty full i
  mkdir "$dir/$1-$2"
  case $1 in
  redraft) "$redraft" --port "$port" --dir "$dir/$1-$2" >"$dir/log" 2>&1 & ;;
  redis) redis-server --port "$port" --dir "$dir/$1-$2" --save '' >"$dir/log" 2>&1 & ;;
  esac
  pid=$!
  for i in $(seq 100); do
    [ "$(redis-cli -p "$port" DEL bench:ready 2>/dev/null)" = 0 ] && break
    [ "$i" -lt 100 ] && kill -0 "$pid" 2>/dev/null || { echo "bench-memory.sh: $1 does not answer" >&2; tail -5 "$dir/log" >&2; exit 1; }
    sleep 0.1
  done
  empty=$(resident)
  "$2" | redis-cli -p "$port" --pipe >/dev/null
  full=$(resident)
  kill "$pid"
  wait "$pid" 2>/dev/null || true
  pid=
  echo $((full - empty))
}

printf '%-14s%14s%14s%12s\n' "resident bytes" redraft redis "x redis"
for kind in strings hashes zset; do
  ours=$(measure redraft "$kind")
  theirs=
  command -v redis-server >/dev/null && theirs=$(measure redis "$kind")
  printf '%-14s%14d%14s' "$kind" "$ours" "${theirs:--}"
  [ -z "$theirs" ] || awk -v a="$ours" -v b="$theirs" 'BEGIN { printf "%12.2f", a / b }'
  echo
done
