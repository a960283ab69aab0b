"""The tutorial's own client calls, unchanged but for the address; README prints the same."""

import base64
import io

import pytest
import requests
from PIL import Image

from tests.conftest import CAT


def test_the_three_calls_print_what_the_tutorial_prints(service, capsys):
    result = requests.get(f"{service.url}/?msg=HelloWorld!")
    print(result.json())
    result = requests.get(f"{service.url}/", params={"msg": "Hello from params"})
    print(result.json())
    result = requests.post(f"{service.url}/", json={"msg": "Hello from data"})
    print(result.json())

    assert capsys.readouterr().out.splitlines() == [
        "{'response': 'HelloWorld!', 'success': True}",
        "{'response': 'Hello from params', 'success': True}",
        "{'response': 'Hello from data', 'success': True}",
    ]


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_picture_goes_there_and_back(service, method):
    image = CAT.read_bytes()
    encoded = base64.b64encode(image).decode()
    result = getattr(requests, method)(f"{service.url}/", json={"msg": encoded})
    decoded = base64.b64decode(result.json()["response"])

    assert decoded == image
    assert Image.open(io.BytesIO(decoded)).size == (451, 300)


def test_the_next_step_is_the_same_message_to_the_classifier(service):
    encoded = base64.b64encode(CAT.read_bytes()).decode()
    result = requests.post(f"{service.url}/models/cat-or-dog/predict", json={"msg": encoded})

    assert result.json()["response"]["label"] == "cat"
