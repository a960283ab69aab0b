"""
The best classes of each row, as V2's extension for classification has them.

https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_classification.md
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.inference.protocol.binary_data import objects
from service.inference.signature.answers import Naming


def best_classes(naming: Naming, name: str, column: NDArray[Any], count: int) -> NDArray[Any]:
    """
    The *count* best of each row of the output *name*, as BYTES [rows, count], the best first.

    Each is `score:index`, and `score:index:label` where the classes have labels; there are as many
    as there are classes at most. Raises ModelFailed for columns that no label fits.
    """
    labels = naming.labels.get(name, ())
    scores = naming.scores(name, column) if labels else column.reshape(len(column), -1)
    # From the last: so equal ones keep their order, and no whole number is made a float.
    backwards = np.argsort(scores[:, ::-1], axis=1, kind="stable")[:, ::-1]
    order = (scores.shape[1] - 1 - backwards)[:, :count]
    form = "{:f}:{}" if scores.dtype.kind == "f" else "{:d}:{}"
    elements = []
    for row, ranks in zip(scores.tolist(), order.tolist(), strict=True):
        for index in ranks:
            text = form.format(row[index], index)
            elements.append((f"{text}:{labels[index]}" if labels else text).encode())
    return objects(elements).reshape(order.shape)
