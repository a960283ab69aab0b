"""Whatever is sent to the echo and predict routes, the answer is JSON and never a 5xx."""

import base64
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import CAT

PICTURE = CAT.read_bytes()
PREDICT = "/models/cat-or-dog/predict"
IRIS = "/models/iris/predict"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
some_bytes = st.binary(max_size=300)
cut_pictures = st.integers(0, len(PICTURE)).map(lambda end: PICTURE[:end])
picture_like = some_bytes | cut_pictures | st.just(PICTURE)
base64_like = picture_like.map(lambda data: base64.b64encode(data).decode()) | st.text()
features = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
names = st.sampled_from(["msg", "image", "IMAGE", "", "rows", *features]) | st.text()
flowers = st.fixed_dictionaries(
    dict.fromkeys(features[:3], st.floats(0, 30)),
    optional={"petal_width": st.floats(0, 30) | json_values},
)
json_bodies = st.one_of(
    json_values,
    st.dictionaries(names, json_values, max_size=3),
    st.dictionaries(st.sampled_from(["msg", "image"]), base64_like, max_size=2),
    flowers,
    st.builds(lambda rows: {"rows": rows}, st.lists(flowers | json_values, max_size=3)),
).map(lambda value: json.dumps(value).encode())
bodies = st.one_of(json_bodies, picture_like, st.just(b""))
media_types = st.sampled_from(
    [
        None, "", "application/json", "application/json; charset=utf-16", "application/x+json",
        "image/jpeg", "image/png", "image/*", "image/", "text/plain", "multipart/form-data",
        "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", ";", "/",
    ]
)  # fmt: skip
multipart = st.builds(
    lambda field, data: (
        b'--x\r\nContent-Disposition: form-data; name="%b"; filename="f"\r\n\r\n%b'
        b"\r\n--x--\r\n" % (field.encode(), data)
    ),
    st.sampled_from(["image", "msg", ""]),
    picture_like,
)
methods = st.sampled_from(["GET", "POST", "POST", "POST", "PUT", "HEAD", "OPTIONS", "DELETE"])
paths = st.sampled_from(["/", PREDICT, IRIS, IRIS, "/models/nobody/predict", "/models"])
queries = st.dictionaries(names, st.text(), max_size=2)


@settings(
    max_examples=2500,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    method=methods, path=paths, query=queries, body=bodies | multipart, media_type=media_types,
    accept=st.sampled_from([None, "text/html", "image/png", "*/*"]),
)  # fmt: skip
def test_every_answer_is_json_or_a_page_and_none_is_a_failure(
    client, method, path, query, body, media_type, accept
):
    headers = {} if accept is None else {"Accept": accept}
    answer = client.open(
        path,
        method=method,
        query_string={k: v.encode("utf-8", "replace") for k, v in query.items()},
        data=body,
        content_type=media_type,
        headers=headers,
    )

    assert answer.status_code < 500, answer.data
    if accept == "text/html" and answer.content_type == "text/html; charset=utf-8":
        assert (method, path) in {("GET", "/"), ("HEAD", "/")}
        return
    assert answer.content_type in {"application/json", "application/problem+json"}
    if method != "HEAD":
        said = json.loads(answer.data)
        assert said["success"] is (answer.status_code == 200) or said == {"success": False}
