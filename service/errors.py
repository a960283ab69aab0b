"""What can go wrong in the service, with no HTTP in it. Every message is written for the caller."""

from collections.abc import Sequence

from service.faults import Fault


class ServiceError(Exception):
    """Anything the service can say plainly to whoever asked."""


class TryLater(ServiceError):
    """Not now; in *retry_after_s* seconds it may be different."""

    def __init__(self, message: str, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class UnknownModel(ServiceError):
    """No model of that name is served."""


class BadImage(ServiceError):
    """The bytes are not a picture that can be read to its end."""


class UnsupportedImage(ServiceError):
    """A picture, but of a kind or in a place that this service does not read."""


class ImageTooLarge(ServiceError):
    """The picture's header declares more pixels than the service decodes."""


class BadDeadline(ServiceError):
    """The time that the client gives its request is not a number of milliseconds."""


class InvalidInput(ServiceError):
    """
    The request can be read, and is not what the model takes.

    *example*, where there is one, is the JSON of a request that the model takes.
    """

    def __init__(self, faults: Sequence[Fault], example: bytes = b"") -> None:
        listed = "; ".join(f"{fault.pointer or 'body'}: {fault.detail}" for fault in faults[:3])
        super().__init__(listed)
        self.faults = tuple(faults)
        self.example = example


class ModelLoading(TryLater):
    """The model is not ready yet; it will be."""


class ModelUnavailable(TryLater):
    """The model could not be loaded, or nothing of it is left that could answer."""


class Overloaded(TryLater):
    """As much work is waiting as the service accepts, or more than the deadline has room for."""


class NoRoom(TryLater):
    """Other requests hold the memory of *needed_bytes* that this one takes."""

    def __init__(self, message: str, needed_bytes: int) -> None:
        super().__init__(message)
        self.needed_bytes = needed_bytes


class TooLarge(ServiceError):
    """What was sent takes more to read than this service has for any one request."""


class DeadlineExceeded(ServiceError):
    """The time that the request had is over, and there is no answer."""


class ClientGone(ServiceError):
    """Whoever asked has left, and the model was not asked."""


class QuarantinedPayload(ServiceError):
    """These inputs have ended the model's process twice."""


class InvalidModel(ServiceError):
    """A model's folder contradicts itself or its artefact."""


class ModelRefused(ServiceError):
    """A model was to be served, and cannot be; what was served before still is."""


class NotEnabled(ServiceError):
    """What was asked for is switched off here."""


class AccessRefused(ServiceError):
    """Whoever asked may not; *challenge* says how to be let in (RFC 6750 section 3)."""

    def __init__(self, message: str, challenge: str) -> None:
        super().__init__(message)
        self.challenge = challenge


class KeyRefused(AccessRefused):
    """There is no key, or none that is known."""


class NotAllowed(AccessRefused):
    """The key is known, and not for this."""


class TooManyRequests(ServiceError):
    """Whoever asked has asked too often; in *retry_after_s* seconds one more may come."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class IssuerUnreachable(TryLater):
    """Nobody can tell whether a token counts: its issuer's keys are not there."""


class WrongUsage(InvalidModel):
    """A command was asked for what cannot be, which is known before any work."""


class LoadRaised(InvalidModel):
    """What the model's own code raised while it loaded; its text is for the log alone."""


def public_reason(error: Exception) -> str:
    """Why a model cannot answer, as anybody may know it; what its code said is in the log."""
    if isinstance(error, ServiceError) and not isinstance(error, LoadRaised):
        return str(error) or type(error).__name__
    return "its own code failed while it loaded; the log tells why, in the event model_failed"


class ProcessEnded(InvalidModel):
    """The model's process ended while it loaded; *is_news* for the first worker that saw it."""

    def __init__(self, how: str, *, is_news: bool) -> None:
        super().__init__(f"the model's process ended while it loaded ({how})")
        self.is_news = is_news


class OutdatedModel(InvalidModel):
    """The model's files are others by now than those that it was opened from."""


class LoadTimeout(InvalidModel):
    """The model has not loaded in time; *stack* tells where it stood, outermost frame first."""

    def __init__(self, limit_s: float, stack: tuple[str, ...]) -> None:
        super().__init__(f"it has not loaded within {limit_s:g} s")
        self.stack = stack


class ModelFailed(ServiceError):
    """The model ran and did not give an answer."""


class ModelDied(ModelFailed):
    """The model's process ended while it had the batch."""
