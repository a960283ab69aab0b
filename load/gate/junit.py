"""What a CI server reads: JUnit XML, as its test pages understand it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from xml.etree import ElementTree as ET


class Outcome(StrEnum):
    """Of one check."""

    MET = "met"
    MISSED = "missed"
    UNKNOWN = "not known"


@dataclass(frozen=True)
class Case:
    """One check with its outcome and the figures behind it."""

    name: str
    outcome: Outcome
    said: str


def write(path: Path, suite: str, cases: Sequence[Case]) -> None:
    """Write *cases*: missed is a failure; not known is an error, since skipped would pass."""
    counts = {
        "tests": len(cases),
        "failures": sum(case.outcome is Outcome.MISSED for case in cases),
        "errors": sum(case.outcome is Outcome.UNKNOWN for case in cases),
    }
    root = ET.Element("testsuite", {"name": suite} | {key: str(n) for key, n in counts.items()})
    for case in cases:
        element = ET.SubElement(root, "testcase", name=case.name, classname=suite)
        if case.outcome is not Outcome.MET:
            kind = "failure" if case.outcome is Outcome.MISSED else "error"
            ET.SubElement(element, kind, message=f"{case.outcome}: {case.said}")
        else:
            ET.SubElement(element, "system-out").text = case.said
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
