"""The tutorial's echo service as it was published, but for the name of its data: a yardstick."""

import flask

app = flask.Flask(__name__)


@app.route("/", methods=["GET", "POST"])
def predict():
    data = {"success": False}
    params = flask.request.get_json(silent=True)
    if params is None:
        params = flask.request.args
    if "msg" in params:
        data["response"] = params.get("msg")
        data["success"] = True
    return flask.jsonify(data)
