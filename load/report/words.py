"""What the report's chapters say whatever was measured: each term where it is first needed."""

SCALING = (
    (
        "A worker is one process that answers requests. If nothing were in their way, 32 workers "
        "would serve 32 times what one serves. Something always is: a lock, a connection, a core "
        "that only one can have at a time. A scaling law is the curve that says how much is lost, "
        "and so what the next worker is still worth."
    ),
)
SCALING_HOW = (
    "Measured on {target}, whose requests mostly wait, as for a database: so many workers fit on "
    "few cores, and what is seen is the workers and not the machine. Each window, a measurement "
    "of some seconds, ran with a fixed number of clients for each worker; a client sends its next "
    "request when the last is answered (closed arrivals). That shows the most a server can do."
)
NO_SCALING = (
    (
        "No path of the wait regime was measured: one whose requests mostly wait, so that many "
        "workers fit on few cores. Without it the scaling law cannot be seen, since the cores run "
        "out first."
    ),
)
THROUGHPUT = (
    "Each dot is one window. Hollow marks were not counted; the chapter on what was not used says "
    "why. Of 100 windows to come, 95 should fall into the light band (prediction band); the "
    "average of very many should lie in the dark one (confidence band). Dotted: beyond what was "
    "measured."
)
EFFICIENCY = (
    "The same for each worker: 100 % means that each of them does as much as one alone; 40 % that "
    "more than half of every worker is lost to waiting for the others."
)
RESIDUALS = (
    "How far each law misses each window (residuals). A law that fits has its dots around zero "
    "everywhere; a line that bends away is a law that is wrong. Linear: nothing is lost. Amdahl: "
    "a share of each request can only be had by one worker at a time. Queue: workers line up for "
    "one thing. USL, the Universal Scalability Law: Amdahl's, and every pair of workers costs "
    "something more. The Akaike weight is the share of trust that the measurements give to "
    "each (by AICc, a score that charges a law for every parameter); together they make 100 %."
)
COST = (
    (
        "Up to three kinds of requests (regimes) were measured: wait, which mostly waits; cpu, a "
        "fixed amount of Python; model, a real model of the service. CPU time is how long a "
        "request keeps a core busy, in thousandths of a second (ms). It is the figure that "
        "travels best: 5 ms mean that one core can do at most 200 such requests a second, "
        "whatever else the machine does. If it grows with the number of workers, they are in each "
        "other's way."
    ),
    (
        "Waiting for a core (run-queue wait) is time in which a request could have gone on, and "
        "something else had the core: neighbours, or more workers than cores."
    ),
)
CPU = (
    "CPU time of a request, above it the wait for a core; medians (the middle one) of the valid "
    "windows. The whisker spans the windows' CPU times."
)
LATENCY = (
    (
        "Averages hide the slow ones, so look at percentiles: the p99 is the time within which 99 "
        "of 100 requests are answered. The SLO (service-level objective) is the limit it is held "
        "against."
    ),
    (
        "Here requests arrive at a given rate, at random moments, whether or not the server keeps "
        "up (open arrivals), as they do from the internet. Response time counts from the moment a "
        "request was due; service time from when it was really sent. If a server stalls, only the "
        "first shows everyone who waited."
    ),
)
SPECTRUM = (
    "Of 100 requests, so many are at least as fast; each step to the right is ten times rarer. "
    "Solid: response time. Dotted: service time. Where the two part, requests could not even be "
    "sent in time."
)
P99 = (
    "The p99 of the response time as the rate grows. It is flat until a queue forms and then "
    "rises steeply: stay left of the bend. Lines join medians; hollow dots were not counted."
)
SHARES = (
    (
        "A connection stays with the worker that accepted it. If one worker gets more of them "
        "than the next, it has a queue while others idle, and adding workers helps less than it "
        "should."
    ),
)
SHARES_PLOT = (
    "Each dot is one worker in one window; 100 % is an equal share of the answers. If each "
    "request chose its worker by chance, 95 of 100 dots would lie in the band (binomial). "
    "Connections that stay with a worker spread wider than that."
)
MEMORY = (
    (
        "PSS (proportional set size) is the memory of a process, with what several share split "
        "between them, so that it may be added up; 1 MiB is 1,048,576 bytes. Memory often decides "
        "how many workers fit into a dyno, the container that Heroku rents out."
    ),
)
MEMORY_PLOT = (
    "Each piece is one worker, the lowest the master process that starts them. Dashed: what a "
    "dyno of {sizes} MiB leaves if {free:.0f} % are kept free."
)
DRIFT = (
    (
        "A round measures every point once, in random order, and the smallest of each path again "
        "amid and after the others: the anchor. It should always give the same; if it does not, "
        "the machine changed, and not the software. A fixed piece of Python is timed as well: its "
        "pace is the machine's own."
    ),
)
DRIFT_PLOT = (
    "The anchors' throughput (hollow: not valid) and the machine's pace, each relative to its "
    "median. Both falling together: a slower machine. The anchor alone: look at the server."
)
