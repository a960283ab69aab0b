"""
What slow attackers cost the others: p99 of good traffic before and during.

500 connections that drip a head and 500 that drip a body against two workers, while eight
closed-loop clients echo. The attackers and the clients share the machine with the server, so the
ratio is an upper bound.

    python -m load.benchmarks.attack [seconds]
"""

import http.client
import socket
import sys
import threading
import time

from load.benchmarks.servers import WEIR, serving

PORT = 8230
ATTACKERS = 500
CLIENTS = 8
SLOW_HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "
SLOW_BODY = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"


def echo_until(stop: threading.Event, took_ms: list) -> None:
    """Echo on one kept connection, noting what each took."""
    client = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    while not stop.is_set():
        started = time.perf_counter()
        client.request("GET", "/?msg=Hello")
        if client.getresponse().read() != b'{"response":"Hello","success":true}':
            raise RuntimeError("not what was asked for")
        took_ms.append((time.perf_counter() - started) * 1000)


def drip(attackers: list, stop: threading.Event) -> None:
    """A byte on each attacking connection, a second, as long as the server keeps it open."""
    while not stop.wait(1):
        for attacker in attackers:
            try:
                attacker.send(b"x")
            except OSError:
                continue


def p99_ms(seconds: float) -> float:
    """The 99th percentile of all clients' echoes over *seconds*."""
    stop, took_ms = threading.Event(), []
    clients = [threading.Thread(target=echo_until, args=(stop, took_ms)) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    time.sleep(seconds)
    stop.set()
    for client in clients:
        client.join()
    return sorted(took_ms)[int(len(took_ms) * 0.99)]


def attacked_p99_ms(seconds: float) -> float:
    """The same while the attackers are at it."""
    attackers = []
    for sent in [SLOW_HEAD, SLOW_BODY] * ATTACKERS:
        attacker = socket.create_connection(("127.0.0.1", PORT))
        attacker.settimeout(0)
        attacker.send(sent)
        attackers.append(attacker)
    stop = threading.Event()
    dripper = threading.Thread(target=drip, args=(attackers, stop))
    dripper.start()
    found = p99_ms(seconds)
    stop.set()
    dripper.join()
    for attacker in attackers:
        attacker.close()
    return found


def main() -> None:
    """Measure in turn and print the ratios."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 8
    with serving(WEIR, PORT, cores="0,1", workers=2):
        p99_ms(2)
        for _ in range(4):
            calm, attacked = p99_ms(seconds), attacked_p99_ms(seconds)
            print(f"p99 {calm:.2f} ms before, {attacked:.2f} ms during: {attacked / calm:.2f}")


if __name__ == "__main__":
    main()
