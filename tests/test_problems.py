"""Every error of a route, as HTTP says it."""

import pytest
from marshmallow import fields
from werkzeug.exceptions import RequestEntityTooLarge

from config.settings import from_environ
from service import errors, problems
from service.application import Application
from service.faults import wanted
from service.recorder import Recorder
from service.request_schema import RequestSchema
from tests.conftest import assert_problem

SECRET = "s3cr3t"


@pytest.fixture
def raising():
    """Answers of a route that raises; *seen* has the record of each."""
    seen = []

    def answer_to(error):
        app = Application(__name__, static_folder=None)
        app.settings = from_environ()
        problems.init_app(app)

        def fail():
            raise error

        app.add_url_rule("/fails", view_func=fail)
        app.wsgi_app = Recorder(app.wsgi_app, closed=[seen.append])
        answer = app.test_client().get("/fails")
        answer.close()
        return answer

    answer_to.seen = seen
    return answer_to


@pytest.mark.parametrize(
    ("error", "status", "shed"),
    [
        (errors.UnknownModel("no such"), 404, ""),
        (errors.BadImage("broken"), 400, ""),
        (errors.UnsupportedImage("no picture"), 415, ""),
        (errors.ImageTooLarge("large"), 413, ""),
        (errors.BadDeadline("no number"), 400, ""),
        (errors.ClientGone("left"), 400, ""),
        (errors.QuarantinedPayload("twice"), 422, ""),
        (errors.DeadlineExceeded("late"), 504, ""),
        (errors.ModelLoading("loading"), 503, ""),
        (errors.ModelUnavailable("gone"), 503, ""),
        (errors.Overloaded("full"), 503, "queue_full"),
        (errors.NoRoom("held", 5), 503, "memory"),
        (errors.TooLarge("too large"), 413, ""),
        (errors.ModelFailed("the model failed"), 500, ""),
        (errors.ModelDied("the model died"), 500, ""),
        (errors.InvalidModel("contradiction"), 500, ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_an_error_of_the_service_has_its_status(raising, error, status, shed):
    answer = raising(error)

    assert_problem(answer, status, str(error))
    assert ("Retry-After" in answer.headers) is (status == 503)
    assert raising.seen[0].shed == shed


@pytest.mark.parametrize(
    ("wait_s", "told"), [(0, "1"), (0.2, "1"), (1.2, "2"), (59.5, "60"), (3600, "60")]
)
def test_the_wait_that_is_known_is_told_in_whole_seconds(raising, wait_s, told):
    assert raising(errors.Overloaded("full", wait_s)).headers["Retry-After"] == told


def test_what_nobody_expected_is_our_fault_and_says_nothing_of_it(raising):
    answer = raising(KeyError(SECRET))

    assert_problem(answer, 500, "request_id")
    assert SECRET not in answer.text
    assert "Traceback" not in answer.text


def test_an_error_of_http_keeps_its_sentence(raising):
    assert_problem(raising(RequestEntityTooLarge("send less")), 413, "send less")


def test_faults_are_told_with_where_what_and_what_instead(raising):
    error = errors.InvalidInput([wanted("/age", '"old"', "a number")], b'{"age":41}')

    problem = assert_problem(raising(error), 422, "/age")

    assert problem["errors"] == [
        {
            "pointer": "/age",
            "sent": '"old"',
            "wanted": "a number",
            "detail": '"old" was sent, a number is wanted',
        }
    ]
    assert problem["example"] == {"age": 41}


def test_an_example_that_is_long_is_left_out(raising):
    example = b'"' + b"x" * 5000 + b'"'
    error = errors.InvalidInput([wanted("/age", '"old"', "a number")], example)

    assert "example" not in assert_problem(raising(error), 422)


def test_a_schema_s_faults_have_the_same_shape(raising):
    class CoffeeSchema(RequestSchema):
        cups = fields.Integer(strict=True, metadata={"wanted": "a whole number"})

    with pytest.raises(errors.InvalidInput) as raised:
        CoffeeSchema().load({"cups": "many"})
    (fault,) = assert_problem(raising(raised.value), 422)["errors"]

    assert fault.keys() == {"pointer", "sent", "wanted", "detail"}
    assert (fault["sent"], fault["wanted"]) == ("a string", "a whole number")


def test_paths_and_methods_that_are_not_served_say_which_are(client):
    assert_problem(client.get("/nothing"), 404, "/nothing", "GET /models")
    refused = client.delete("/models")
    assert_problem(refused, 405, "DELETE", "send GET")
    assert {"GET", "HEAD"} <= set(refused.headers["Allow"].split(", "))
