"""
What a scrape costs under full load: how long it takes, and what it does to the others' p99.

Eight workers, 64 kept connections at full speed, windows with a scrape a second and without, in
turn. Server, clients and scrapes share the machine.

    python -m load.benchmarks.scrape_cost [pairs] [seconds]
"""

import statistics
import sys
import threading
import time
import urllib.request

from load.benchmarks import wrk
from load.benchmarks.servers import WEIR, serving

PORT, WORKERS, CONNECTIONS = 8270, 8, 64
URL = f"http://127.0.0.1:{PORT}"


def scrape(ended, times_s):
    """Scrape once a second."""
    while not ended.wait(1):
        began = time.monotonic()
        with urllib.request.urlopen(URL + "/metrics", timeout=30) as answer:
            answer.read()
        times_s.append(time.monotonic() - began)


def window(seconds, times_s=None):
    """The p99 of one window in ms, with scrapes if there is somewhere to note their times."""
    ended = threading.Event()
    scraper = threading.Thread(target=scrape, args=(ended, times_s))
    if times_s is not None:
        scraper.start()
    asked = wrk.run(URL + "/?msg=Hello", connections=CONNECTIONS, seconds=seconds, core="0,1")
    ended.set()
    if times_s is not None:
        scraper.join()
    return asked.p99_ms


def main():
    """Print the ratio of the p99s, paired, and the scrapes' times."""
    pairs, seconds = (*map(int, sys.argv[1:3]), *(8, 5)[len(sys.argv[1:3]) :])
    ratios, times_s, idle_s = [], [], []
    with serving(WEIR, PORT, cores="0,1", workers=WORKERS):
        time.sleep(5)  # the other workers' models
        ended = threading.Event()
        idle = threading.Thread(target=scrape, args=(ended, idle_s))
        idle.start()
        time.sleep(5.5)
        ended.set()
        idle.join()
        window(seconds)
        for _ in range(pairs):
            without = window(seconds)
            ratios.append(window(seconds, times_s) / without)
    print(f"p99 with ÷ without: median {statistics.median(ratios):.3f}, each", end=" ")
    print(" ".join(f"{ratio:.2f}" for ratio in sorted(ratios)))
    for name, times in (("at rest", idle_s), ("under load", times_s)):
        median_ms = statistics.median(times) * 1000
        print(f"a scrape {name}: median {median_ms:.0f} ms, longest {max(times) * 1000:.0f} ms")


if __name__ == "__main__":
    main()
