"""How a request ends that the application does not answer: refused, or left by its client."""

from http import HTTPStatus
from typing import Any

from service.exchange import Exchange
from service.wire.refusals import Refused, answer_bytes
from service.wire.serving import Service


def refuse(client: Any, refused: Refused, exchange: Exchange, service: Service) -> bool:
    """Answer *refused* on *client* and write its line; whether the client may read the answer."""
    exchange.reason = refused.reason
    exchange.shed = refused.reason if refused.is_shed else ""
    if service.settings.error_detail == "none":
        refused.detail = refused.status.phrase
    head, body = answer_bytes(refused, exchange, service.clock.date())
    if exchange.method != "HEAD":
        exchange.bytes_out = len(body)
        head += body
    try:
        client.settimeout(service.settings.write_timeout_s)
        client.sendall(head)
    except OSError:
        exchange.cut = "disconnected"
        return False
    finally:
        service.app.recorder.close(exchange)
    return True


def record_unanswered(exchange: Exchange, reason: str, service: Service) -> None:
    """Write the line of a request that has begun and gets no answer, unless it has one."""
    if not exchange.ended:
        exchange.status = HTTPStatus.BAD_REQUEST.value
        exchange.reason = exchange.cut = reason
        service.app.recorder.close(exchange)
