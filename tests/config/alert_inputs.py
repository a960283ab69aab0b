"""What Prometheus would have of a service in trouble, and of one that is not: promtool's inputs."""

WHO = 'job="weir", app="cats", instance="web.1"'
HOURS = 60


def series(name, labels, values):
    """An input of promtool's: its values are a minute apart, or as INTERVALS says."""
    every = ", ".join(filter(None, [WHO, labels]))
    return {"series": f"{name}{{{every}}}", "values": values}


def requests(good, bad, minutes, route="/"):
    """So many requests a minute, answered and failed, all along."""
    return [
        series("http_requests_total", f'route="{route}", status="200"', f"0+{good}x{minutes}"),
        series("http_requests_total", f'route="{route}", status="500"', f"0+{bad}x{minutes}"),
    ]


def durations(quick, slow, minutes):
    return [
        *requests(quick + slow, 0, minutes),
        series("http_request_duration_seconds_count", "", f"0+{quick + slow}x{minutes}"),
        series("http_request_duration_seconds_bucket", 'le="0.2"', f"0+{quick}x{minutes}"),
    ]


def memory(used_gb, more_gb, minutes):
    return [
        series("instance_memory_bytes", 'kind="limit"', f"10x{minutes}"),
        series("instance_memory_bytes", 'kind="used"', f"{used_gb}+{more_gb}x{minutes}"),
    ]


def counted(name, labels, before, step, after, minutes=20):
    """A counter that stands still, rises by *step* a minute *after* times, and stands still."""
    last = before + step * after
    values = f"{before}x10 {before + step}+{step}x{max(0, after - 1)} {last}x{minutes}"
    return [series(name, labels, values)]


def waiting(ready, wanted, minutes=20):
    return [
        series("workers_ready", "", f"{ready}x{minutes}"),
        series("workers_wanted", "", f"{wanted}x{minutes}"),
    ]


def model_ready(workers, minutes=20):
    labels = 'model="iris", version="1"'
    return [
        *waiting(4, 4, minutes),
        series("model_ready_workers", labels, f"{workers}x{minutes}"),
    ]


def sheds(share, minutes=20):
    reason = 'reason="queue_full"'
    shed = series("http_requests_shed_total", reason, f"0+{share * 1000}x{minutes}")
    return [*requests(1000, 0, minutes), shed]


def hub(stalls, minutes=20):
    return [
        series("worker_hub_lag_seconds_count", "", f"0+600x{minutes}"),
        series("worker_hub_lag_seconds_bucket", 'le="0.2"', f"0+{600 - stalls}x{minutes}"),
    ]


def backlog(queued, minutes=20):
    return [
        series("listen_backlog_connections", 'port="80"', f"{queued}x{minutes}"),
        series("listen_backlog_limit_connections", 'port="80"', f"2048x{minutes}"),
    ]


def predictions(answered, failed, outcome="failed", minutes=30):
    of_model = 'model="iris", version="1", outcome='
    return [
        series("model_predictions_total", f'{of_model}"answered"', f"0+{answered}x{minutes}"),
        series("model_predictions_total", f'{of_model}"{outcome}"', f"0+{failed}x{minutes}"),
    ]


def calls(quick, slow, minutes=40):
    of_model = 'model="iris", version="1"'
    name = "model_inference_duration_seconds"
    return [
        series(f"{name}_count", of_model, f"0+{quick + slow}x{minutes}"),
        series(f"{name}_bucket", f'{of_model}, le="0.2"', f"0+{quick}x{minutes}"),
    ]


def slow_clients(ended, good, phase, minutes=40):
    return [
        *requests(good, 0, minutes),
        series("http_timeouts_total", f'phase="{phase}"', f"0+{ended}x{minutes}"),
    ]


# What there is, and after how many minutes the alert is looked for.
FIRES = {
    "WeirErrorsBurnFast": [(requests(980, 20, 90), 75)],
    "WeirErrorsBurnSteady": [(requests(993, 7, 8 * HOURS // 10), 7 * HOURS)],
    "WeirErrorsBurnSlow": [(requests(9980, 20, 80 * HOURS // 30), 79 * HOURS)],
    "WeirLatencyBurnFast": [(durations(800, 200, 90), 75)],
    "WeirLatencyBurnSteady": [(durations(930, 70, 8 * HOURS // 10), 7 * HOURS)],
    "WeirLatencyBurnSlow": [(durations(980, 20, 80 * HOURS // 30), 79 * HOURS)],
    "WeirDown": [([series("up", "", "0x10")], 5)],
    "WeirSilent": [([], 10), ([series("up", "", "1x5 _x20")], 20)],
    "WeirNotReady": [(waiting(3, 4), 10), (waiting(0, 1), 10)],
    "WeirModelNotReady": [(model_ready(0), 10), (model_ready(3), 10)],
    "WeirShedding": [(sheds(0.02), 15)],
    "WeirBacklog": [(backlog(2000), 10)],
    "WeirHubBlocked": [(hub(2), 15)],
    "WeirWorkersDie": [
        (counted("worker_restarts_total", 'reason="died"', 0, 1, 4), 14),
        (counted("worker_restarts_total", 'reason="hung"', 0, 1, 4), 14),
    ],
    "WeirModelProcessDies": [
        (counted("model_process_ends_total", 'model="iris", stage="batch"', 5, 1, 4), 14)
    ],
    "WeirModelFails": [(predictions(90, 10), 25), (predictions(90, 10, "expired"), 25)],
    "WeirModelSlow": [(calls(80, 20), 30), (calls(0, 1), 30)],
    "WeirClientsSlow": [(slow_clients(10, 1000, phase), 30) for phase in ("head", "body", "write")],
    "WeirMemoryGrows": [(memory(6, 0.02, 120), 100)],
    "WeirLogLinesDropped": [(counted("log_lines_dropped_total", "", 0, 5, 1), 11)],
    "WeirTracesDropped": [(counted("trace_requests_dropped_total", "", 0, 5, 30), 35)],
    "WeirObserverFails": [(counted("observer_faults_total", 'observer="logs"', 0, 1, 1), 11)],
}
SILENT = {
    "WeirErrorsBurnFast": [
        (requests(1000, 0, 90), 75),
        (requests(990, 10, 90), 75),  # ten times is not fourteen
        (requests(0, 1000, 90, route="/readyz"), 75),
        (requests(0.3, 0.1, 90), 75),  # too few to judge by
        # It is over: the hour is spoilt, the last five minutes are not.
        (
            [
                series("http_requests_total", 'route="/", status="200"', "0+900x90"),
                series("http_requests_total", 'route="/", status="500"', "0+100x60 6000x30"),
            ],
            75,
        ),
    ],
    "WeirErrorsBurnSteady": [(requests(995, 5, 8 * HOURS // 10), 7 * HOURS)],
    "WeirErrorsBurnSlow": [(requests(9995, 5, 80 * HOURS // 30), 79 * HOURS)],
    "WeirLatencyBurnFast": [(durations(900, 100, 90), 75)],
    "WeirLatencyBurnSteady": [(durations(950, 50, 8 * HOURS // 10), 7 * HOURS)],
    "WeirLatencyBurnSlow": [(durations(995, 5, 80 * HOURS // 30), 79 * HOURS)],
    "WeirDown": [([series("up", "", "1x3 0 1x10")], 8)],
    "WeirSilent": [([series("up", "", "1x20")], 15), ([series("up", "", "0x20")], 15)],
    "WeirNotReady": [(waiting(4, 4), 10), ([*waiting(3, 4, 1)], 1)],
    "WeirModelNotReady": [(model_ready(4), 10)],
    "WeirShedding": [(sheds(0.005), 15), (sheds(0), 15)],
    "WeirBacklog": [(backlog(1000), 10)],
    "WeirHubBlocked": [(hub(0), 15), (counted("worker_hub_lag_seconds_count", "", 0, 600, 20), 15)],
    "WeirWorkersDie": [
        (counted("worker_restarts_total", 'reason="retired"', 0, 4, 4), 14),
        (counted("worker_restarts_total", 'reason="died"', 0, 1, 1), 14),
    ],
    "WeirModelProcessDies": [
        (counted("model_process_ends_total", 'model="iris", stage="batch"', 5, 1, 1), 14)
    ],
    "WeirModelFails": [(predictions(99, 1), 25), (predictions(50, 50, "refused"), 25)],
    "WeirModelSlow": [(calls(95, 5), 30), (calls(0, 0), 30), (calls(80, 20), 8)],
    "WeirClientsSlow": [
        (slow_clients(1, 1000, "body"), 30),  # some always are
        (slow_clients(10, 20_000, "body"), 30),  # of many
        (slow_clients(100, 1000, "idle"), 30),  # connections that nobody uses any more
    ],
    "WeirMemoryGrows": [
        (memory(6, 0, 120), 100),
        (memory(9, 0, 120), 100),
        (memory(6, 0.005, 120), 100),
        (memory(1, 0.05, 70), 65),  # a start
    ],
    "WeirLogLinesDropped": [(counted("log_lines_dropped_total", "", 7, 0, 1), 15)],
    "WeirTracesDropped": [(counted("trace_requests_dropped_total", "", 0, 5, 1), 20)],
    "WeirObserverFails": [(counted("observer_faults_total", 'observer="logs"', 3, 0, 1), 15)],
}
