"""The API's description in OpenAPI 3.1, made from the schemas and signatures that validate."""

from service.openapi.route import init_app

__all__ = ["init_app"]
