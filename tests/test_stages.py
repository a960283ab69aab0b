import re
import time

import pytest

from service.stages import STAGES, Stages


def test_stages_follow_one_another_without_a_gap():
    stages = Stages(time.perf_counter())
    for stage in ("body", "decode", "queue", "encode", "write", "ended"):
        time.sleep(0.002)
        stages.enter(stage)

    assert sum(stages.spent_ms.values()) == pytest.approx(stages.total_s * 1000)
    assert min(stages.spent_ms.values()) >= 2


def test_what_is_reckoned_elsewhere_is_taken_from_where_it_was_and_no_more_than_there_is():
    stages = Stages(0.0)
    stages.spent_ms = {"queue": 1000.0}

    stages.reckon("infer", 0.75, "queue")
    stages.reckon("batch", 0.5, "queue")
    stages.reckon("decode", -0.5, "queue")

    assert stages.spent_ms == {"queue": 0, "infer": 750, "batch": 250, "decode": 0}


def test_the_duration_begins_with_the_whole_request_and_the_total_with_its_first_byte():
    stages = Stages(time.perf_counter() - 1)
    assert stages.whole_at is None
    stages.read()
    stages.enter("write")

    assert stages.total_s >= 1
    assert stages.duration_s < 1
    line = {}
    stages.tell(line)
    assert line["head_ms"] == pytest.approx(1000, abs=100)


def test_server_timing_names_every_stage_and_the_total():
    stages = Stages.of_whole()
    stages.enter("write")

    names = re.findall(r"(\w+);dur=\d+\.\d{3}(?:, |$)", stages.server_timing())
    assert names == [*STAGES[:-1], "total"]
