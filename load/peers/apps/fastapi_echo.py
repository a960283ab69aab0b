"""The echo on FastAPI and Uvicorn with the same duties: schema, JSON access line, metrics, id."""

import logging
import sys
import time

import orjson
import structlog
from asgi_correlation_id import CorrelationIdMiddleware, correlation_id
from fastapi import FastAPI
from prometheus_fastapi_instrumentator import Instrumentator
from pydantic import BaseModel

structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.JSONRenderer(serializer=orjson.dumps),
    ],
    wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    logger_factory=structlog.BytesLoggerFactory(sys.stdout.buffer),
)
log = structlog.get_logger().bind()


class Echo(BaseModel):
    """What the echo answers."""

    response: str | None = None
    success: bool


class AccessLine:
    """One JSON line a request, as plain ASGI: the cheapest way to have it."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def noting_send(message):
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        await self.app(scope, receive, noting_send)
        log.info(
            "http_request",
            request_id=correlation_id.get(),
            method=scope["method"],
            path=scope["path"],
            status=status,
            duration_ms=round((time.perf_counter() - started) * 1000, 3),
            client_ip=scope["client"][0],
        )


app = FastAPI()
app.add_middleware(AccessLine)
app.add_middleware(CorrelationIdMiddleware)
Instrumentator().instrument(app).expose(app)


@app.get("/")
async def echo(msg: str | None = None) -> Echo:
    return Echo(response=msg, success=msg is not None)
