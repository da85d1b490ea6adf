"""A model of Boucle's inside your own Flask application, as the courses do it, with every answer captured.

    python app.py PROJECT        then:  curl -s localhost:5000/predict -H 'content-type: application/json' -d '{...}'

The keeper (`boucle watch --project PROJECT`) judges these answers as it judges the server's own, and a promotion or
rollback reaches this process by itself.
"""

import sys

from flask import Flask, jsonify, request

import boucle


def create_app(project: str) -> Flask:
    app = Flask(__name__)
    model = boucle.attach(project)

    @app.post("/predict")
    def predict():
        try:
            return jsonify(model.predict(request.get_json(), key=request.headers.get("x-customer")))
        except boucle.BoucleError as error:
            return jsonify(error=error.message, hint=error.hint), 422

    @app.post("/truth/<answer>")
    def truth(answer: str):
        model.feedback(answer, request.get_json()["truth"])
        return "", 204

    return app


if __name__ == "__main__":
    create_app(sys.argv[1]).run(host="127.0.0.1", port=5000)
