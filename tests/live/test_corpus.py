"""
Models as people save them: train, save, `add`, serve, ask, and compare with the library's answer.

`python -m tests.live.test_corpus MODULE …` prints the table of what was served, by kind.
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import requests

from tests.conftest import PROJECT, eventually, framework
from tests.corpus.case import differences
from tests.live.instance import Instance

# What has to be installed, and by which word.
MODULES = {
    "estimators": ["sklearn"],
    "frames": ["sklearn"],
    "boosters": ["xgboost", "lightgbm", "catboost"],
    "own_code": ["sklearn", "openvino"],
    "graphs": ["onnx"],
    "graphs_more": ["onnx"],
    "converted": ["onnx", "skl2onnx", "onnxmltools", "lightgbm", "xgboost"],
    "layers": ["openvino"],
}

# These run in processes of their own, so many beside each other; a process imports scikit-learn for
# three seconds, so the others are in threads of one worker.
IN_PROCESSES, TOGETHER = {"dates", "boosters' own files", "own code"}, 12
SENTENCE_CHARS = 700

# `make whole` tries all of them.
EVERY = 1 if os.environ.get("WHOLE") else 3


def added(module, work, every):
    """Each *every*th case of *module*: made, added, or refused; in a process of its own."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.corpus.drive",
            work / "models",
            work / "files",
            module,
            str(every),
        ],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"name"')]


def refusal_faults(case):
    """What is wrong with how a case was refused, or that it was not."""
    lines = [line for line in case["err"].splitlines() if line.startswith("weir: ")]
    if "Traceback" in case["err"] or len(lines) != 1 or len(lines[0]) > SENTENCE_CHARS:
        yield f"no one sentence: {case['err'][-1500:]}"
    elif case["refused"] not in lines[0] or not case["refused"]:
        yield f"refused: {lines[0]}"


def ask(url, case):
    answer = requests.post(f"{url}/models/{case['name']}/predict", json=case["request"], timeout=60)
    said = answer.json()
    if not answer.ok:
        yield f"{answer.status_code}: {said.get('detail')}"
        return
    response = said["response"]
    answered = response if isinstance(response, list) else [response]
    yield from differences(answered, case["answers"])


def faults_of(module, work, every=1):
    """Each *every*th case with its kind, and what is wrong with it."""
    cases = added(module, work, every)
    found = {case["name"]: [] for case in cases}
    served = []
    for case in cases:
        if case["code"]:
            found[case["name"]] += refusal_faults(case)
        elif case["refused"]:
            found[case["name"]].append(f"added, and not refused: {case['refused']}")
        else:
            served.append(case)
    for number, group in enumerate(groups_of(served)):
        repository = work / str(number)
        repository.mkdir()
        for case in group:
            folder = (work / "models" / case["name"]).rename(repository / case["name"])
            if case["kind"] not in IN_PROCESSES:
                in_threads(folder / "model.toml")
        with Instance(work, ready=False, WEIR_MODELS=str(repository)) as instance:
            eventually(lambda ready=instance: settled(ready), 120)
            for case in group:
                found[case["name"]] += list(ask(instance.url, case))
    return {case["name"]: (case["kind"], found[case["name"]], bool(case["code"])) for case in cases}


def groups_of(cases):
    threads = [case for case in cases if case["kind"] not in IN_PROCESSES]
    processes = [case for case in cases if case["kind"] in IN_PROCESSES]
    groups = [processes[at : at + TOGETHER] for at in range(0, len(processes), TOGETHER)]
    return [group for group in (threads, *groups) if group]


def in_threads(toml):
    text = toml.read_text()
    serve = '[serve]\nexecution = "thread"\n'
    toml.write_text(text.replace("[serve]\n", serve) if "[serve]\n" in text else text + serve)


def settled(instance):
    """Whether each model has loaded, or has not."""
    try:
        models = requests.get(instance.url + "/models", timeout=60).json()["models"]
    except requests.ConnectionError:
        assert instance.process.poll() is None, instance.log.read_text()
        return False
    return all(model["state"] != "loading" for model in models)


@pytest.mark.parametrize("module", [*MODULES])
def test_models_are_served_as_their_library_answers_them(module, tmp_path):
    for name in MODULES[module]:
        framework(name, "make install-corpus")
    (tmp_path / "models").mkdir()

    found = faults_of(module, tmp_path, EVERY)

    assert found
    assert {name: faults for name, (_, faults, _) in found.items() if faults} == {}


def main(*modules):
    counts = Counter()
    for module in modules or MODULES:
        started = time.monotonic()
        with TemporaryDirectory() as folder:
            (Path(folder) / "models").mkdir()
            found = faults_of(module, Path(folder))
        for name, (kind, faults, was_refused) in found.items():
            counts[kind, "wrong" if faults else "refused" if was_refused else "served"] += 1
            if faults:
                print(f"{name}: {faults[:3]}")
        print(f"{module}: {len(found)} in {time.monotonic() - started:.0f} s")
    for kind in dict.fromkeys(kind for kind, _ in counts):
        row = [counts[kind, outcome] for outcome in ("served", "refused", "wrong")]
        print(f"{kind:24} {sum(row):4} served {row[0]:4} refused {row[1]:3} wrong {row[2]:3}")


if __name__ == "__main__":
    main(*sys.argv[1:])
