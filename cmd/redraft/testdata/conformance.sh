#!/usr/bin/env bash
# conformance.sh REDRAFT: the test suite of Redis, unit by unit, against a node of ours and against redis-server, each
# started anew for every unit. What counts is the tests that redis-server passes when it is run like this: the
# table says how many of them the node passes, and those that it does not pass are named below.
#
#   REDIS_SRC=    source of Redis, of redis-server's version; without it apt-get source fetches it, which takes a
#                 deb-src line and dpkg-dev
#   NODES=3       nodes of a cluster, which then has to agree on its data after every unit; the unit runs against the
#                 leader
#   UNITS=        units, as in "unit/type/list unit/sort"; without it all that there are
#   LIMIT=900     seconds that a unit may take
#   KEEP=         directory in which to leave the suite's own output
set -euo pipefail
export LC_ALL=C.UTF-8

redraft=$(realpath "${1:?usage: conformance.sh REDRAFT}")
limit=${LIMIT:-900} nodes=${NODES:-1}
fail() { echo "conformance.sh: $*" >&2; exit 1; }
for tool in tclsh redis-server redis-cli redis-benchmark; do
  command -v "$tool" >/dev/null || fail "$tool is missing (Debian: tcl, redis-server, redis-tools)"
done

dir=$(mktemp -d)
pid= pids=() suite= # processes: the server that is tested, all servers that run, and the head of the suite's group
finish() {
  [ -z "$suite" ] || kill -9 -- "-$suite" 2>/dev/null || true
  stop
  rm -rf "$dir"
}
trap finish EXIT
if [ -n "${KEEP:-}" ]; then mkdir -p "$KEEP"; out=$(realpath "$KEEP"); else out=$dir/out; mkdir "$out"; fi

source_tree() { # prints where the source of Redis is
  if [ -n "${REDIS_SRC:-}" ]; then realpath "$REDIS_SRC"; return; fi
  mkdir -p .cache/redis
  compgen -G '.cache/redis/redis-*/tests' >/dev/null || (cd .cache/redis && apt-get source redis >&2) ||
    fail "no source of Redis: set REDIS_SRC"
  realpath .cache/redis/redis-*/
}
tree=$(source_tree)
[ -f "$tree/tests/test_helper.tcl" ] || fail "$tree has no tests/test_helper.tcl"
version=$(redis-server --version | sed -E 's/.* v=([^ ]+).*/\1/')
grep -q "\"$version\"" "$tree/src/version.h" || fail "$tree is not the source of redis-server $version"

# The suite runs in a directory of links, for it writes to tests/tmp and looks for tools in src.
mkdir -p "$dir/suite/tests/tmp" "$dir/suite/src"
for e in "$tree"/tests/*; do [ "${e##*/}" = tmp ] || ln -s "$e" "$dir/suite/tests/"; done
for tool in redis-server redis-cli redis-benchmark; do ln -s "$(command -v $tool)" "$dir/suite/src/"; done
cd "$dir/suite"

# free_port PORT: the first port from there on that nobody listens at, nor 10000 above, where nodes talk.
taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
free_port() {
  local port=$1
  while taken "$port" || taken $((port + 10000)); do port=$((port + 1)); done
  echo "$port"
}

launch() { # SERVER ARGUMENTS: one process with no data; sets pid and port
  port=$(free_port "$next_port")
  next_port=$((port + 1))
  mkdir -p "$dir/data/$port"
  local server=("$redraft") name=$1
  [ "$1" = redraft ] || server=(redis-server --save '' --enable-protected-configs yes --enable-module-command yes)
  shift
  "${server[@]}" --port "$port" --dir "$dir/data/$port" --enable-debug-command yes "$@" >"$dir/$name-$port.log" 2>&1 &
  pid=$!
  pids+=("$pid") ports+=("$port")
}

# await SECONDS WHAT COMMAND: until the command succeeds.
await() {
  local tries=$(($1 * 10)) what=$2
  shift 2
  until "$@"; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || { tail -n 5 "$dir"/*.log >&2; fail "$what"; }
    sleep 0.1
  done
}

writes() { [ "$(redis-cli -p "$1" del conformance:ready 2>/dev/null)" = 0 ]; } # PORT: there is a leader
field() { redis-cli -p "$1" raft status 2>/dev/null | awk -v f="$2" 'NR % 2 { name = $0; next } name == f'; } # PORT NAME
voters() { [ "$(redis-cli -p "$1" raft members 2>/dev/null | grep -A1 '^voter$' | grep -c '^1$')" = "$nodes" ]; }
takes_digest() { answer=$(redis-cli -p "$1" raft digest 2>/dev/null) && [[ $answer == [0-9]* ]]; } # PORT: sets answer
is_at() { [ "$(field "$1" digest_index)" = "$2" ]; } # PORT INDEX

start() { # SERVER: with no data; sets pid and port to those of the server that is to be tested
  ports=() next_port=14379 # and 24379 for the nodes: below those that the system gives away
  launch "$1"
  await 10 "$1 does not answer" writes "$port"
  [ "$1" = redraft ] && [ "$nodes" -gt 1 ] || return 0
  local first=$port leader i
  for _ in $(seq 2 "$nodes"); do launch "$1" --join "127.0.0.1:$first"; done
  await 30 "there are no $nodes voters" voters "$first"
  leader=$(field "$first" leader_addr)
  port=${leader##*:}
  for i in "${!ports[@]}"; do [ "${ports[$i]}" != "$port" ] || pid=${pids[$i]}; done
}

# agree: whether all nodes have the same data at the same entry.
agree() {
  [ "${#ports[@]}" -gt 1 ] || return 0
  local answer index p
  await 60 "no digest is taken" takes_digest "$port"
  index=${answer%%$'\n'*}
  for p in "${ports[@]}"; do
    await 60 "the node at port $p does not come to entry $index" is_at "$p" "$index"
    [ "$(field "$p" digest)" = "${answer#*$'\n'}" ] || return 1
  done
}

stop() {
  [ "${#pids[@]}" = 0 ] || kill -9 "${pids[@]}" 2>/dev/null || true
  [ "${#pids[@]}" = 0 ] || wait "${pids[@]}" 2>/dev/null || true
  pid= pids=()
  rm -rf "$dir/data"
}

# run SERVER UNIT: leaves the names of the tests that passed in $dir/SERVER, and sets how to the way the suite ended.
run() {
  local log=$out/${2//\//_}.$1.log
  start "$1"
  TERM=dumb timeout -k 5 "$limit" tclsh tests/test_helper.tcl --host 127.0.0.1 --port "$port" --single "$2" --durable \
    --tags -slow --timeout "$limit" --baseport "$(free_port 28111)" >"$log" 2>&1 </dev/null &
  suite=$!
  how=
  wait "$suite" || [ $? != 124 ] || how="cut off after $limit s"
  kill -9 -- "-$suite" 2>/dev/null || true # timeout leads a group, in which an exception leaves a client behind
  suite=
  [ -n "$how" ] || grep -aq '^\[1/1 done\]' "$log" || how="ended early"
  if ! kill -0 "$pid" 2>/dev/null; then
    how="$1 ended"
  elif ! agree; then
    how="THE NODES DIFFER"
    differ=1
  fi
  stop
  # Names are the same each time but for addresses in them.
  sed -n -E 's/^.*\[ok\]: (.*) \([0-9]+ ms\)$/\1/p' "$log" | sed -E 's/0x[0-9a-f]{6,}/0x/g' | LC_ALL=C sort >"$dir/$1"
}

total=0 passed=0 differ=
printf '%-28s %7s %7s\n' unit passed of
for unit in ${UNITS:-$(tclsh tests/test_helper.tcl --list-tests)}; do
  run redis "$unit"
  of=$(wc -l <"$dir/redis")
  [ "$of" -gt 0 ] || continue # a unit that does not run against a server that is there already
  run redraft "$unit"
  LC_ALL=C comm -23 "$dir/redis" "$dir/redraft" | sed "s|^|$unit: |" >>"$dir/missing"
  n=$(LC_ALL=C comm -12 "$dir/redis" "$dir/redraft" | wc -l)
  passed=$((passed + n)) total=$((total + of))
  printf '%-28s %7d %7d  %s\n' "$unit" "$n" "$of" "$how"
done
printf '%-28s %7d %7d\n' all "$passed" "$total"
[ "$nodes" = 1 ] || [ -n "$differ" ] || echo "after every unit the $nodes nodes had the same data"
[ ! -s "$dir/missing" ] || { echo; echo "not passed:"; cat "$dir/missing"; }
[ -z "$differ" ]
