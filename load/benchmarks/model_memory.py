"""
What workers with cat-or-dog and iris take of memory, after so many requests.

Proportional set sizes of the whole instance, with four workers and with five, once each number of
requests has been answered: flowers and echoes, and pictures for a fifth of the time. `--project`
starts another checkout, to compare.

    python -m load.benchmarks.model_memory --requests 2000 20000 200000
"""

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from load import arguments
from load.benchmarks import wrk
from load.benchmarks.servers import PROJECT, WEIR, serving

PORT = 8240
MODELS = PROJECT / "config/models"
FLOWER = (MODELS / "iris/example.json").read_text().strip()
CONNECTIONS, ROUND_S = 16, 1

# So long after the last request: within it each worker has trimmed its heap.
SETTLE_S = 12


def main() -> None:
    """Measure four workers and five, and what the fifth costs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=arguments.whole, nargs="+", default=[2000])
    parser.add_argument("--project", type=Path, default=PROJECT)
    args = parser.parse_args()
    with TemporaryDirectory() as folder:
        scripts = write_scripts(Path(folder))
        four, five = (measure(workers, args, scripts) for workers in (4, 5))
    for asked, before, after in zip(args.requests, four, five, strict=True):
        print(f"after {asked} requests, one more worker costs {after - before:.0f} MB")


def write_scripts(folder: Path) -> dict[str, list[str]]:
    """Options for wrk, by the path that they ask."""
    flower, picture = folder / "flower.lua", folder / "picture.lua"
    json_type = "wrk.headers['Content-Type'] = 'application/json'"
    flower.write_text(f"wrk.method = 'POST'\nwrk.body = '{FLOWER}'\n{json_type}\n")
    example = MODELS / "cat-or-dog/example.jpg"
    picture.write_text(
        f"wrk.method = 'POST'\nwrk.body = io.open('{example}', 'rb'):read('*a')\n"
        "wrk.headers['Content-Type'] = 'image/jpeg'\n"
    )
    flowers = ("/models/iris/predict", ["-s", str(flower)])
    pictures = ("/models/cat-or-dog/predict", ["-s", str(picture)])
    return dict([flowers, ("/?msg=Hello", []), pictures])


def measure(workers: int, args: argparse.Namespace, scripts: dict[str, list[str]]) -> list[float]:
    """The whole instance's MB after each number of requests; prints each process's."""
    totals, answered = [], 0
    with serving(WEIR, PORT, cores="0,1", workers=workers, project=args.project) as master:
        time.sleep(5)  # until all have loaded
        for wanted in args.requests:
            while answered < wanted:
                answered += ask_all(scripts)
            time.sleep(SETTLE_S)
            sizes = [size_mb(each) for each in processes_of(master)]
            totals.append(sum(total for total, _ in sizes))
            each = ", ".join(f"{total:.0f} ({own:.0f} of its own)" for total, own in sizes)
            print(f"{workers} workers, {answered} requests: {totals[-1]:.0f} MB: {each}")
    return totals


def ask_all(scripts: dict[str, list[str]]) -> int:
    """Flowers and echoes twice as long as pictures; how many were answered."""
    answered = 0
    for path, options in scripts.items():
        seconds = ROUND_S if "cat-or-dog" in path else 2 * ROUND_S
        url = f"http://127.0.0.1:{PORT}{path}"
        asked = wrk.run(url, connections=CONNECTIONS, seconds=seconds, options=options)
        answered += asked.requests
    return answered


def processes_of(master: int) -> list[psutil.Process]:
    """The master and everything below it."""
    process = psutil.Process(master)
    return [process, *process.children(recursive=True)]


def size_mb(process: psutil.Process) -> tuple[float, float]:
    """Its proportional set size, and what nobody shares with it."""
    taken = process.memory_full_info()
    return taken.pss / (1 << 20), taken.uss / (1 << 20)


if __name__ == "__main__":
    main()
