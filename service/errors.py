"""What can go wrong in the service, with no HTTP in it. Every message is written for the caller."""


class ServiceError(Exception):
    """Anything the service can say plainly to whoever asked."""


class UnknownModel(ServiceError):
    """No model of that name is served."""


class BadImage(ServiceError):
    """The bytes are not a picture that can be read to its end."""


class UnsupportedImage(ServiceError):
    """A picture, but of a kind or in a place that this service does not read."""


class ImageTooLarge(ServiceError):
    """The picture's header declares more pixels than the service decodes."""


class ModelLoading(ServiceError):
    """The model is not ready yet; it will be."""


class ModelUnavailable(ServiceError):
    """The model could not be loaded."""


class Overloaded(ServiceError):
    """As much work is waiting as the service accepts."""


class InvalidModel(ServiceError):
    """A model's folder contradicts itself or its artefact."""


class ModelFailed(ServiceError):
    """The model ran and did not give an answer."""
