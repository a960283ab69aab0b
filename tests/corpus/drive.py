"""
Makes cases and adds each in one process: `python -m tests.corpus.drive MODELS FILES MODULE EVERY`.

Of the module's cases it is each *EVERY*th.
"""

import io
import json
import sys
import traceback
import warnings
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
from pathlib import Path
from unittest.mock import patch

from service.models import __main__ as commands
from tests.corpus.case import CASES


def main(repository, folder, module, every):
    import_module(f"tests.corpus.{module}")
    cases = [case for case in CASES.values() if case.module == f"tests.corpus.{module}"]
    for case in cases[::every]:
        own = folder / case.name
        own.mkdir(parents=True)
        made = case.make(own)
        code, out, err = added(repository, made, case)
        said = {"name": case.name, "kind": case.kind, "refused": case.refused}
        said |= {"code": code, "out": out, "err": err}
        said |= {"request": made.request, "answers": made.answers}
        print(json.dumps(said), flush=True)


def added(repository, made, case):
    arguments = ["--models", repository, "add", *made.files, "--name", case.name, *case.flags]
    out, err = io.StringIO(), io.StringIO()
    with patch.object(sys, "argv", ["weir", *map(str, arguments)]):
        with redirect_stdout(out), redirect_stderr(err), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                code = commands._run()
            except BaseException:
                code, _ = 99, traceback.print_exc()
    return code, out.getvalue(), err.getvalue()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
