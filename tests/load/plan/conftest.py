"""The command `plan`, typed on a campaign that was made up."""

import argparse

import pytest

from load.campaign import Campaign, write
from load.plan import command as plan
from tests.load.synthetic import campaign


@pytest.fixture(scope="module")
def measured():
    return campaign(seed=3, rounds=4)


@pytest.fixture
def typed(tmp_path, capsys, measured):
    """Runs the command as typed; returns its exit code, and what it wrote to stdout and stderr."""

    def run(arguments, results=measured):
        path = tmp_path / "results.json"
        if isinstance(results, Campaign):
            write(results, path)
        parser = argparse.ArgumentParser(prog="load plan")
        plan.configure(parser)
        try:
            code = plan.run(parser.parse_args([str(path), *arguments.split()]))
        except SystemExit as error:
            code = error.code
        written = capsys.readouterr()
        return code, written.out, written.err

    return run
