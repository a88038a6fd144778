"""What users of redis-py do, against three nodes that are one cluster. Called by TestClientsPython.

    clients.py --ca FILE --cert FILE --key FILE PORT:TLSPORT PORT:TLSPORT PORT:TLSPORT

Every part is done without TLS and with it; the commands of a part go to different nodes. A part whose commands the
nodes do not have is left out, with a line that says so.
"""

import argparse
import sys
import threading

import redis

PATIENCE = 30


def together(n, work):
    """Runs work(i) for each i below n at the same time, and raises what one of them raised."""
    failures = []

    def run(i):
        try:
            work(i)
        except Exception as e:  # noqa: BLE001, it is raised below
            failures.append(e)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failures:
        raise failures[0]


def same(got, want):
    if got != want:
        raise AssertionError(f"got {got!r}, want {want!r}")


def pool(on):
    together(24, lambda i: [on[i % 3].incr("count") for _ in range(20)])
    for i, client in enumerate(on):
        client.incr("count")
        same(client.get("count"), str(481 + i))


def pipeline(on):
    for i, client in enumerate(on):
        with client.pipeline(transaction=False) as p:
            for k in range(300):
                p.set(f"{i}:{k}", k, ex=3600)
            for k in range(300):
                p.get(f"{i}:{k}")
            same(p.execute()[300:], [str(k) for k in range(300)])
        with client.pipeline() as p:
            p.hset("hash", mapping={"a": 1, "b": 2}).hincrby("hash", "a", 10).lpush("hash", "wrong")
            answers = p.execute(raise_on_error=False)
            same(answers[1], 11)
            same(isinstance(answers[2], redis.ResponseError), True)
        same(client.hgetall("hash"), {"a": "11", "b": "2"})


def transaction(on):
    def count(p):
        n = int(p.get("sum") or 0)
        p.multi()
        p.set("sum", n + 1)

    together(6, lambda i: [on[i % 3].transaction(count, "sum") for _ in range(10)])
    on[1].incr("sum")
    same(on[1].get("sum"), "61")


def stream(on):
    events, seen, lock = 60, [], threading.Lock()
    on[0].xgroup_create("events", "workers", id="0", mkstream=True)

    def work(i):
        if i == 3:
            for n in range(events):
                on[n % 3].xadd("events", {"n": n})
            return
        while True:
            with lock:
                if len(seen) >= events:
                    return
            for _, messages in on[i].xreadgroup("workers", f"c{i}", {"events": ">"}, count=5, block=100):
                for key, fields in messages:
                    on[i].xack("events", "workers", key)
                    with lock:
                        seen.append(int(fields["n"]))

    together(4, work)
    same(sorted(seen), list(range(events)))
    same(on[0].xpending("events", "workers")["pending"], 0)


def blocking(on):
    def work(i):
        for n in range(30):
            if i == 0:
                on[n % 3].rpush("jobs", n)
            else:
                same(on[(n + 1) % 3].blmove("jobs", "taken", PATIENCE), str(n))
                same(on[(n + 2) % 3].lrem("taken", 1, n), 1)

    together(2, work)
    same(on[2].blpop(["jobs", "taken"], timeout=1), None)


def scan(on):
    for i in range(120):
        on[i % 3].sadd(f"set:{i % 40}", i)
    for i, client in enumerate(on):
        client.set("behind", i)
        same({*client.scan_iter("set:*", count=7)}, {f"set:{k}" for k in range(40)})


def script(on):
    """redis-py's own lock, which is three scripts, and one of a user's."""
    inside = []

    def work(i):
        for _ in range(5):
            with on[i % 3].lock("lock", timeout=PATIENCE, sleep=0.002):
                inside.append(i)
                same(inside, [i])
                inside.clear()

    together(6, work)
    double = on[0].register_script("return redis.call('incrby', KEYS[1], 2 * ARGV[1])")
    for i, client in enumerate(on):
        same(double(keys=["number"], args=[3], client=client), 6 * (i + 1))


def publish(on):
    subscribers = []
    for client in on:
        s = client.pubsub(ignore_subscribe_messages=True)
        s.subscribe("news")
        s.psubscribe("ne?s")
        for _ in range(2):
            same(s.get_message(timeout=PATIENCE), None)  # the confirmations
        subscribers.append(s)
    together(3, lambda i: [on[i].publish("news", f"{n} of {i}") for n in range(40)])
    heard = []
    for s in subscribers:
        messages = []
        while len(messages) < 2 * 3 * 40:
            m = s.get_message(timeout=PATIENCE)
            if m is None:
                raise AssertionError(f"nothing after {len(messages)} messages")
            messages.append((m["pattern"], m["data"]))
        heard.append(messages)
        s.close()
    same(heard[1], heard[0])
    same(heard[2], heard[0])


PARTS = [pool, pipeline, transaction, stream, blocking, scan, script, publish]


def main():
    args = argparse.ArgumentParser()
    for name in ("--ca", "--cert", "--key"):
        args.add_argument(name, required=True)
    args.add_argument("nodes", nargs="+")
    args = args.parse_args()
    failed = False
    for secure in (False, True):
        on = []
        for node in args.nodes:
            plain, tls = map(int, node.split(":"))
            more = {"port": plain}
            if secure:
                more = {"port": tls, "ssl": True, "ssl_ca_certs": args.ca, "ssl_certfile": args.cert, "ssl_keyfile": args.key}
            on.append(redis.Redis("localhost", decode_responses=True, max_connections=20, socket_timeout=2 * PATIENCE, **more))
        for part in PARTS:
            name = part.__name__ + (" with TLS" if secure else "")
            on[0].flushall()
            try:
                part(on)
                print(f"ok: {name}")
            except Exception as e:  # noqa: BLE001, the next part may tell more
                failed = True
                print(f"FAILED: {name}: {type(e).__name__}: {e}")
    sys.exit(failed)


main()
