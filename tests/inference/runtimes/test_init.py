import sys

import pytest

from service.errors import InvalidModel
from service.inference.runtimes import open_runtime


@pytest.mark.parametrize(
    ("platform", "module", "command"),
    [
        ("sklearn", "sklearn", "make install-sklearn"),
        ("keras", "openvino", "make install-keras"),
    ],
)
def test_a_framework_that_is_missing_is_told_with_what_installs_it(
    platform, module, command, tmp_path, monkeypatch
):
    for name in [name for name in sys.modules if name.startswith("service.inference.runtimes.")]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("joblib", "skops", module):
        monkeypatch.setitem(sys.modules, name, None)

    with pytest.raises(InvalidModel, match=command):
        open_runtime(platform, tmp_path / "model", {})
