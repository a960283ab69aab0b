"""Each model's paths: what it is sent and what it answers, by what it really takes and gives."""

import pytest

DEADLINE = {"$ref": "#/components/parameters/X-Request-Deadline-Ms"}
CENTIMETRES = {"type": "number", "minimum": 0, "maximum": 30, "description": "cm"}


def body_of(document, name):
    return document["paths"][f"/models/{name}/predict"]["post"]["requestBody"]


def test_a_flower_is_four_numbers_from_0_to_30(schemas):
    names = ["sepal_length", "sepal_width", "petal_length", "petal_width"]

    assert schemas["IrisRow"] == {
        "type": "object",
        "properties": dict.fromkeys(names, CENTIMETRES),
        "required": names,
        "additionalProperties": False,
    }
    assert schemas["IrisRows"]["properties"]["rows"] == {
        "type": "array",
        "items": {"$ref": "#/components/schemas/IrisRow"},
        "minItems": 1,
        "maxItems": 1024,
    }


def test_a_flower_is_one_of_three(schemas):
    labels = ["setosa", "versicolor", "virginica"]

    answer = schemas["IrisAnswer"]["properties"]
    assert answer["label"] == {"type": "string", "enum": labels}
    assert answer["scores"]["properties"] == {each: {"type": "number"} for each in labels}
    assert answer["scores"]["required"] == labels


def test_features_of_every_kind_are_told(schemas):
    row = schemas["OrdersRow"]
    told = row["properties"]

    assert row["required"] == ["amount", "weight", "express", "day", "level"]
    assert (told["amount"]["type"], told["amount"]["maximum"]) == ("integer", 100)
    assert told["weight"] == {
        "type": "number",
        "minimum": -3.4028234663852886e38,
        "maximum": 3.4028234663852886e38,
    }
    assert told["express"] == {"type": "boolean"}
    assert told["city"] == {"type": ["string", "null"], "enum": ["Oslo", "Brno", None]}
    assert told["note"] == {"type": ["string", "null"]}
    assert told["day"]["type"] == ["string", "integer"]
    assert told["sent"]["type"] == ["string", "integer", "null"]
    assert told["sent"]["format"] == "date-time"
    assert told["level"] == {"type": "number", "enum": [0.5, 1, 2]}
    assert told["id"] == {"description": "taken, and not looked at"}


def test_a_query_has_a_parameter_for_each_feature(document):
    parameters = document["paths"]["/models/orders/predict"]["get"]["parameters"]
    told = {each.get("name"): each for each in parameters}

    assert parameters[-1] == DEADLINE
    assert told["amount"]["in"] == "query"
    assert told["amount"]["required"] is True
    assert told["amount"]["example"] == 50
    assert told["city"]["required"] is False
    assert told["city"]["schema"] == {"type": "string", "enum": ["Oslo", "Brno"]}
    assert "required" not in told["id"]


def test_only_features_are_asked_by_the_query(document):
    assert "get" in document["paths"]["/models/iris/predict"]
    assert "get" not in document["paths"]["/models/vectors/predict"]
    assert "get" not in document["paths"]["/models/cat-or-dog/predict"]


def test_a_body_is_wanted_unless_every_feature_is_optional(document):
    assert body_of(document, "iris")["required"] is True
    assert body_of(document, "a-b")["required"] is False


def test_a_picture_comes_by_any_door(document, schemas):
    contents = body_of(document, "cat-or-dog")["content"]

    assert set(contents) == {"image/*", "multipart/form-data", "application/json"}
    assert schemas["Picture"]["properties"].keys() == {"image", "msg"}
    assert (schemas["Picture"]["minProperties"], schemas["Picture"]["maxProperties"]) == (1, 1)
    top = schemas["CatOrDogAnswer"]["properties"]["top"]
    assert top["maxItems"] == 5
    assert top["items"]["properties"]["label"] == {"type": "string"}  # of a thousand


def test_a_tensor_is_lists_as_deep_as_its_shape(schemas):
    row = schemas["VectorsTensors"]["properties"]["vectors"]
    batch = schemas["VectorsBatch"]["properties"]["vectors"]

    assert (row["minItems"], row["maxItems"]) == (2, 2)
    assert (row["items"]["minItems"], row["items"]["maxItems"]) == (3, 3)
    assert row["items"]["items"]["type"] == "number"
    assert (batch["minItems"], batch["maxItems"], batch["items"]) == (1, 64, row)
    left = schemas["SizesTensors"]["properties"]["left"]
    assert left["minItems"] == 1
    assert "maxItems" not in left
    assert left["items"] == {"type": "integer", "minimum": -128, "maximum": 127}


def test_numbers_of_64_bits_keep_their_bounds(schemas):
    told = schemas["DatatypesTensors"]["properties"]

    assert told["int64"]["items"]["minimum"] == -(1 << 63)
    assert told["uint64"]["items"]["maximum"] == (1 << 64) - 1
    assert told["fp64"]["items"] == {"type": "number"}


@pytest.mark.parametrize(
    ("name", "component"),
    [
        ("iris", "Iris"),
        ("orders", "Orders"),
        ("vectors", "Vectors"),
        ("sizes", "Sizes"),
        ("words", "Words"),
        ("grades", "Grades"),
        ("visits", "Visits"),
    ],
)
def test_the_example_is_what_is_described_and_so_is_its_answer(
    described_app, document, validator, name, component
):
    client = described_app.test_client()
    content = body_of(document, name)["content"]["application/json"]
    answered = document["paths"][f"/models/{name}/predict"]["post"]["responses"]["200"]["content"]
    kinds = [each["$ref"].rpartition("/")[2] for each in content["schema"]["anyOf"]]

    answer = client.post(f"/models/{name}/predict", json=content["example"]).get_json()
    assert any(validator(kind).is_valid(content["example"]) for kind in kinds)
    assert answer == answered["application/json"]["example"]
    validator(f"{component}Prediction").validate(answer)
    infer = document["paths"][f"/v2/models/{name}/infer"]["post"]["requestBody"]["content"]
    asked = infer["application/json"]["example"]
    validator(f"{component}Infer").validate(asked)
    told = client.post(f"/v2/models/{name}/infer", json=asked).get_json()
    validator(f"{component}Inferred").validate(told)


def test_a_card_and_the_list_are_as_described(described_app, validator):
    client = described_app.test_client()
    for entry in client.get("/models").get_json()["models"]:
        validator("ListedModel").validate(entry)
        validator("ModelCard").validate(client.get(entry["url"]).get_json()["model"])


def test_a_large_example_is_left_out(described_app, document):
    example = described_app.test_client().get("/models/cat-or-dog/example").get_data()
    contents = body_of(document, "cat-or-dog")["content"]

    assert len(example) > 4096
    assert "example" not in contents["image/*"]


def test_a_large_answer_is_described_and_not_kept(document, described_app, validator):
    wide = described_app.catalog.find("wide").golden
    answered = document["paths"]["/models/wide/predict"]["post"]["responses"]["200"]["content"]
    sent = {"seed": [1.0]}

    assert (wide.answer, wide.whole) == ({"wide": 0.0}, False)
    assert "example" not in answered["application/json"]
    told = described_app.test_client().post("/models/wide/predict", json=sent).get_json()
    assert len(told["response"]["wide"]) == 2000
    validator("WidePrediction").validate(told)


def test_a_query_without_a_body_is_asked_also_where_the_length_is_told(described_app):
    """Many a library says of no body that its length is 0."""
    client = described_app.test_client()
    asked = client.post("/models/grades/predict?points=3", headers={"Content-Length": "0"})

    assert asked.get_json()["response"] == {"value": 3.0}
