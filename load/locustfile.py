"""
Users of the service for Locust's own page or command line, against any host.

    locust -f load/locustfile.py --host http://localhost:8000

Most users send pictures, some a row of iris measurements, and a few echo. Users whose model the
host does not serve stay at home, and the log says so.
"""

import logging
import random
from pathlib import Path
from typing import Any

import requests
from locust import FastHttpUser, between, events, task
from locust.env import Environment

PICTURE = Path(__file__).resolve().parent.parent / "config/models/cat-or-dog/example.jpg"
ANSWER_LIMIT_S = 30.0

log = logging.getLogger("weir")


class ServiceUser(FastHttpUser):
    """Someone who looks at an answer for a moment before asking again."""

    abstract = True
    wait_time = between(0.5, 1.5)
    network_timeout = ANSWER_LIMIT_S
    model = ""  # what the host must serve for this user to come


class PictureUser(ServiceUser):
    """Asks whether it is a cat or a dog."""

    weight = 6
    model = "cat-or-dog"

    def on_start(self) -> None:
        """Have the picture at hand."""
        self._picture: Any = PICTURE.read_bytes()

    @task
    def predict(self) -> None:
        """Send the picture itself."""
        self.client.post(
            f"/models/{self.model}/predict",
            data=self._picture,
            headers={"Content-Type": "image/jpeg"},
        )


class TabularUser(ServiceUser):
    """Asks which iris it is."""

    weight = 3
    model = "iris"

    @task(2)
    def predict_json(self) -> None:
        """One row as JSON."""
        self.client.post(f"/models/{self.model}/predict", json=_iris())

    @task(1)
    def predict_query(self) -> None:
        """One row as query parameters."""
        query = "&".join(f"{name}={value}" for name, value in _iris().items())
        path = f"/models/{self.model}/predict"
        self.client.get(f"{path}?{query}", name=path)


class EchoUser(ServiceUser):
    """Says something and hears it again."""

    weight = 1

    @task
    def echo(self) -> None:
        """The tutorial's first request."""
        self.client.get("/?msg=Hello", name="/")


def _iris() -> dict[str, float]:
    """A flower within the range of Fisher's measurements, in cm."""
    ranges = {
        "sepal_length": (4.3, 7.9),
        "sepal_width": (2.0, 4.4),
        "petal_length": (1.0, 6.9),
        "petal_width": (0.1, 2.5),
    }
    return {name: round(random.uniform(*ends), 1) for name, ends in ranges.items()}  # noqa: S311  # no secret


@events.test_start.add_listener  # type: ignore[untyped-decorator]  # Locust's are
def leave_out_the_unserved(environment: Environment, **_: Any) -> None:
    """Keep the users at home whose model the host does not list at /models."""
    try:
        listed = requests.get(f"{environment.host}/models", timeout=ANSWER_LIMIT_S).json()
        served = {entry["name"] for entry in listed["models"]}
    except (requests.RequestException, ValueError, LookupError, TypeError) as error:
        log.warning("%s/models tells no models, so all users come: %s", environment.host, error)
        return
    for user in list(environment.user_classes):
        model = getattr(user, "model", "")
        if model and model not in served:
            log.warning("%s stays at home: %s serves no %s", user.__name__, environment.host, model)
            environment.user_classes.remove(user)
