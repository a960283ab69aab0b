"""
`run`: is a deployed service within its objective? For CI: exit code and JUnit say so.

Requests come at random as users' do, whatever the service does, and a latency counts from the
moment at which its request was due.

Exit codes: 0 met; 2 a wrong argument; 3 missed; 4 not known (too few requests, or the generator
did not keep up), which is no pass.
"""

import argparse
import math
import re
from base64 import b64encode
from datetime import datetime, time, timedelta
from urllib.parse import SplitResult, unquote, urlsplit

from rich.console import Console

from load import arguments
from load.arguments import Exit
from load.campaign import Arrivals, Client
from load.gate.junit import Outcome, write
from load.gate.objective import Objective, fewest_requests, judge, parse
from load.gate.progress import told_every
from load.generator.traffic import Generator, GeneratorFailed, Traffic
from load.latencies import percentile_ms
from load.rig.machine import cores

RAMP_S, DRAIN_S = 2.0, 30.0
LEAST_CONNECTIONS, MOST_CONNECTIONS = 8, 500
SHORTEST_S, LONGEST_S = 10.0, 600.0
SHOWN = (50, 90, 99, 99.9)  # percentiles

# Between two words that it still measures.
SHOWN_S = 10.0

# A name of RFC 9110 section 5.6.2: of a method, or of a field.
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add = parser.add_argument
    add("--url", type=_url, required=True, help="with its path, such as https://…/readyz")
    add("--rps", type=arguments.number, required=True, help="requests a second")
    add("--slo", type=_objective, required=True, help="such as p99<200ms")
    add(
        "--errors",
        type=arguments.share,
        default=0.001,
        metavar="SHARE",
        help="at most; 0.1%% by default",
    )
    add(
        "--duration",
        type=arguments.seconds,
        metavar="TIME",
        help="such as 60s; default: long enough",
    )
    add("--until", type=_clock_time, metavar="HH:MM", help="end by then, whatever is known by then")
    add("--method", type=_method, default="GET")
    add("--data", type=arguments.readable, metavar="FILE", help="the requests' body")
    add("--header", action="append", type=_header, default=[], metavar="NAME: VALUE")
    add(
        "--connections",
        type=arguments.whole,
        help="requests under way at most; default: twice rps × SLO",
    )
    add(
        "--junit",
        type=arguments.writable,
        metavar="FILE",
        help="also write the outcome as JUnit XML",
    )
    add("--seed", type=int, default=1)


def run(args: argparse.Namespace) -> int:
    """Send, judge, print; return the exit code."""
    console = Console(highlight=False)
    traffic = _traffic(args)
    console.print(_announced(args, traffic), soft_wrap=True, markup=False)
    _, sends = cores()
    try:
        expected_s = traffic.ramp_s + traffic.window_s
        with Generator(sends) as generator, told_every(SHOWN_S, expected_s):
            client = generator.run(traffic)
    except GeneratorFailed as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        return Exit.UNKNOWN
    cases = judge(client, args.slo, args.errors)
    console.print(_figures(client, traffic.window_s), markup=False, soft_wrap=True)
    for case in cases:
        console.print(f"{case.outcome:9} {case.name}: {case.said}", markup=False, soft_wrap=True)
    if args.junit:
        write(args.junit, "load run", cases)
    outcomes = {case.outcome for case in cases}
    if Outcome.UNKNOWN in outcomes:
        return Exit.UNKNOWN
    return Exit.NO if Outcome.MISSED in outcomes else Exit.OK


def _announced(args: argparse.Namespace, traffic: Traffic) -> str:
    """What is done, how long it takes, and why so long."""
    if args.until and traffic.window_s < _wanted_s(args):
        why = "as --until says; what it then cannot tell it will say"
    elif args.duration:
        why = "as --duration says"
    else:
        requests = round(traffic.window_s * args.rps)
        why = f"{requests} requests, so that both objectives can be confirmed"
    all_s = traffic.ramp_s + traffic.window_s
    return (
        f"{args.rps:g} requests/s to {traffic.url}{traffic.path} for {traffic.window_s:g} s: {why}"
        f"\nIt takes {all_s:g} s with {traffic.ramp_s:g} s to warm up, and {traffic.drain_s:g} s "
        "more at most for the last answers …"
    )


def _figures(client: Client, window_s: float) -> str:
    quantiles = ", ".join(
        f"p{percent:g} {percentile_ms(client.response_hdr, percent):.1f} ms" for percent in SHOWN
    )
    kinds = ", ".join(f"{name}: {count}" for name, count in sorted(client.errors.items()))
    return (
        f"{client.sent} sent, {client.answered} answered ({client.answered / window_s:.1f}/s), "
        f"{client.dropped} not sent for want of a free connection, {client.censored} unanswered at "
        f"the end; errors: {kinds or 'none'}\n{quantiles}, from when each was due"
    )


def _traffic(args: argparse.Namespace) -> Traffic:
    path = args.url.path or "/"
    plenty = math.ceil(2 * args.rps * args.slo.within_ms / 1000)
    connections = args.connections or min(MOST_CONNECTIONS, LEAST_CONNECTIONS + plenty)
    return Traffic(
        url=f"{args.url.scheme}://{args.url.netloc.rpartition('@')[2]}",
        path=f"{path}?{args.url.query}" if args.url.query else path,
        method=args.method,
        headers=_credentials(args.url) | dict(args.header),
        body=args.data.read_bytes() if args.data else b"",
        arrivals=Arrivals.OPEN,
        connections=connections,
        offered_rps=args.rps,
        slo_ms=args.slo.within_ms,
        ramp_s=RAMP_S,
        window_s=_window_s(args),
        drain_s=DRAIN_S,
        seed=args.seed,
        warm_requests=0,
    )


def _credentials(url: SplitResult) -> dict[str, str]:
    """What stands before the host, as a field of its own: an address is printed and logged."""
    if url.username is None:
        return {}
    pair = f"{unquote(url.username)}:{unquote(url.password or '')}"
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def _window_s(args: argparse.Namespace) -> float:
    """What is wanted, or what is left until the measurement has to end."""
    if args.until is None:
        return _wanted_s(args)
    left_s = (args.until - datetime.now(args.until.tzinfo)).total_seconds() - RAMP_S
    return max(1.0, min(_wanted_s(args), float(math.floor(left_s))))


def _wanted_s(args: argparse.Namespace) -> float:
    return args.duration or _long_enough_s(args)


def _long_enough_s(args: argparse.Namespace) -> float:
    """The time for twice the fewest requests that can confirm both objectives."""
    limit = min(limit for limit in (args.slo.late, args.errors) if limit)
    seconds: float = 2 * fewest_requests(limit) / args.rps
    return min(LONGEST_S, max(SHORTEST_S, math.ceil(seconds)))


def _clock_time(text: str) -> datetime:
    """The next time at which the clock here shows *text*."""
    try:
        asked = time.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} given; give a time such as 17:30") from None
    now = datetime.now().astimezone()
    at = datetime.combine(now.date(), asked, asked.tzinfo or now.tzinfo)
    return at if at > now else at + timedelta(days=1)


def _objective(text: str) -> Objective:
    try:
        return parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not TOKEN.fullmatch(name.strip()) or not value.isprintable():
        raise argparse.ArgumentTypeError(f"{name!r}… given; write it as NAME: VALUE, on one line")
    return name.strip(), value.strip()


def _method(text: str) -> str:
    if not TOKEN.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} given; give a method such as GET or POST")
    return text.upper()


def _url(text: str) -> SplitResult:
    try:
        url = urlsplit(text)
        is_one = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:  # a port that is none, brackets that do not close
        is_one = False
    if not is_one or not text.isprintable() or " " in text:
        raise argparse.ArgumentTypeError("give http://… or https://…, with a host")
    return url
