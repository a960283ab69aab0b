"""Each alert fires when it should and is silent when it should be, as promtool evaluates them."""

import json
import re
import shutil
import subprocess

import pytest

from tests.config.alert_inputs import FIRES, SILENT
from tests.conftest import PROJECT
from tests.live.monitoring import tool

FOLDER = PROJECT / "config/prometheus"
RULES = [FOLDER / "recording.yml", FOLDER / "alerts.yml"]
GROUPS = [name for rules in RULES for name in re.findall(r"- name: (\w+)", rules.read_text())]
ALERTS = re.findall(r"- alert: (\w+)", RULES[1].read_text())

# Between samples, in minutes: long windows need no more, and take promtool minutes.
INTERVALS = {"BurnSteady": 10, "BurnSlow": 30}


@pytest.fixture(scope="module")
def promtool():
    return tool("promtool")


def evaluated(promtool, folder, alert, inputs, minutes):
    """What promtool says that *alert* is, when none is expected."""
    interval = next((m for name, m in INTERVALS.items() if alert.endswith(name)), 1)
    for rules in RULES:
        shutil.copy(rules, folder)
    test = {
        "rule_files": [rules.name for rules in RULES],
        # In any order alerts would see what was recorded an interval ago, which may be too long.
        "group_eval_order": GROUPS,
        "evaluation_interval": f"{interval}m",
        "tests": [
            {
                "interval": f"{interval}m",
                "input_series": inputs,
                "alert_rule_test": [
                    {"eval_time": f"{minutes}m", "alertname": alert, "exp_alerts": []}
                ],
            }
        ],
    }
    (folder / "test.yml").write_text(json.dumps(test))  # JSON is YAML
    return subprocess.run(
        [promtool, "test", "rules", "test.yml"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def cases(table):
    return [(alert, *case) for alert, each in table.items() for case in each]


@pytest.mark.parametrize(("alert", "inputs", "minutes"), cases(FIRES))
def test_an_alert_fires_when_it_should(promtool, tmp_path, alert, inputs, minutes):
    done = evaluated(promtool, tmp_path, alert, inputs, minutes)

    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert re.search(rf'got:\[\s*\d+:\s+Labels:\{{alertname="{alert}"', said), said


@pytest.mark.parametrize(("alert", "inputs", "minutes"), cases(SILENT))
def test_an_alert_is_silent_when_it_should_be(promtool, tmp_path, alert, inputs, minutes):
    done = evaluated(promtool, tmp_path, alert, inputs, minutes)

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_both_tests_and_a_paragraph_of_its_own():
    assert set(FIRES) == set(SILENT) == set(ALERTS)
    text = (FOLDER / "README.md").read_text()
    headings = re.findall(r"^### (\w+)$", text, re.MULTILINE)
    assert headings == ALERTS
    runbooks = re.findall(r"runbook: (\S+)#(\w+)", RULES[1].read_text())
    assert runbooks == [("config/prometheus/README.md", alert.lower()) for alert in ALERTS]


def test_the_rules_are_well_formed(promtool):
    done = subprocess.run(
        [promtool, "check", "rules", *RULES], capture_output=True, check=False, timeout=60
    )

    assert (done.returncode, done.stdout.count(b"SUCCESS")) == (0, len(RULES)), done.stderr
