"""A report as a reader has it."""

import argparse
import re
from html.parser import HTMLParser

from load.campaign import write
from load.report import command as report

VOID = {"meta", "img", "br"}


def typed(*arguments):
    """Runs the command as typed; returns its exit code."""
    parser = argparse.ArgumentParser(prog="load report")
    report.configure(parser)
    return report.run(parser.parse_args(arguments))


class Page(HTMLParser):
    """A page's text, tags and attributes; an unbalanced tag fails."""

    def __init__(self, html):
        super().__init__()
        self.open, self.text, self.addresses, self.tags = [], "", [], set()
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.addresses += [value for name, value in attrs if name in {"src", "href", "srcset"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text += re.sub(r"\s+", " ", data)


class Written:
    """A report that was written."""

    def __init__(self, folder, results):
        write(results, folder / "results.json")
        self.code = typed(str(folder / "results.json"), "--out", str(folder / "out"))
        self.folder = folder / "out"
        self.html = (self.folder / "report.html").read_text()
        self.markdown = (self.folder / "report.md").read_text()
        self.page = Page(self.html)
        self.plots = {path.stem for path in self.folder.glob("*.png")}
