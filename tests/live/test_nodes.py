"""The ONNX backend tests, each made a model with a free first dimension (all: `make nodes`)."""

import os

from tests.conftest import framework

framework("onnx", "make install-corpus")

from tests.corpus import nodes

# Of two thousand so many are added in CI.
EVERY = 7 if os.environ.get("WHOLE") else 14

# Their data has one number of rows throughout, and they are no models of rows: they answer a shape
# or positions, take their axes or their weights by row, or reduce over the rows.
OF_NO_ROWS = (
    "test_shape", "test_nonzero", "test_split_variable_parts", "test_reshape_reduced_dims",
    "test_unsqueeze", "test_operator_index", "test_gathernd", "test_scatternd",
    "test_rms_normalization", "test_attention_4d_diff_heads_mask4d_padded_kv",
)  # fmt: skip


def test_each_is_added_and_equal_or_refused_in_a_sentence():
    counts, stories = nodes.main(EVERY)

    kept_out = {"refused", "added without a batch"}
    wrong = [story for story in stories if story[0] not in kept_out]
    wrong = [story for story in wrong if not story[1].startswith(OF_NO_ROWS)]
    assert wrong == []
    assert counts["equal"] * EVERY > 600
