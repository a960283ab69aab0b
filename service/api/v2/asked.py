"""What an infer request asks, read from its body in any thread."""

from collections.abc import Callable
from math import prod
from typing import Any

from service.api.v2.envelope import InferSchema
from service.errors import BadImage, InvalidInput, TooLarge, UnsupportedImage
from service.faults import Fault, pointer, scalar, wanted
from service.inference.account import UNCOUNTED_BYTES, Hold
from service.inference.model import Model
from service.inference.protocol import binary_data, json_data
from service.inference.protocol.datatypes import BYTES
from service.inference.protocol.description import raw_entry
from service.inference.protocol.framing import binary_parts, json_bytes
from service.inference.protocol.request import InferRequest, InputEntry
from service.inference.signature.question import Question
from service.inference.signature.tensors import SentTensor
from service.json_text import LARGE_BYTES, UNITS_LIMIT, name_sent_twice, read_object

INFER = InferSchema()

# An element of BYTES as an object, and the text that it may become.
ELEMENT_BYTES = 150

# What follows the JSON is only looked at, not parsed: more of it takes a millisecond.
LARGE_BINARY_BYTES = 1 << 20


class Asked:
    """
    The body of a request for *model*; *told* is the field with its JSON's length.

    The *request* is there once it has been read.
    """

    request: InferRequest

    def __init__(self, model: Model, body: bytes, told: str | None, hold: Hold) -> None:
        """Raises InvalidInput for a field that is no length."""
        self._signature, self._body, self._hold = model.signature, body, hold
        self._outputs = [tensor.name for tensor in model.golden.outputs]
        self._is_told = told is not None
        self._json_bytes = json_bytes(body, told)
        self._is_raw = self._is_told and not self._json_bytes
        self.tell_timeout: Callable[[float], None] = lambda _timeout_s: None

    @property
    def is_heavy(self) -> bool:
        """Whether reading it would keep everybody else waiting."""
        return (
            self._json_bytes > LARGE_BYTES
            or len(self._body) - self._json_bytes > self._light_bytes
            or self._signature.kind == "image"
        )

    @property
    def _light_bytes(self) -> int:
        """How many bytes after the JSON take no time: of BYTES each element does."""
        inputs = self._signature.tensors.inputs
        has_words = any(tensor.datatype == BYTES for tensor in inputs)
        return LARGE_BYTES if has_words else LARGE_BINARY_BYTES

    def read(self) -> Question:
        """
        Make the model's arrays, over the body's own memory where its bytes can stand as they are.

        Raises InvalidInput naming the tensor, BadRequest for what is no JSON, and what a picture's
        decoding does.
        """
        try:
            return self._read()
        except InvalidInput as error:
            error.example = self._signature.tensor_example
            raise
        except (BadImage, UnsupportedImage) as error:
            (tensor,) = self._signature.tensors.inputs
            told = f"input {scalar(tensor.name)}: {error}"
            fault = Fault(pointer("inputs", 0), "no such picture", "a picture", told)
            raise InvalidInput([fault], self._signature.tensor_example) from None

    def _read(self) -> Question:
        self.request = asked = self._raw() if self._is_raw else self._envelope()
        if asked.timeout_s is not None:
            self.tell_timeout(asked.timeout_s)
        self._check_outputs(asked)
        self._count_elements(asked)
        parts = binary_parts(self._body, self._json_bytes, asked.inputs, is_told=self._is_told)
        tensors = {
            entry.name: SentTensor(entry, self._array(entry, parts)) for entry in asked.inputs
        }
        return self._signature.tensors.read(tensors, self._hold.account.reserve)

    def _count_elements(self, asked: InferRequest) -> None:
        """Hold what the elements of BYTES will take. Raises TooLarge for too many of them."""
        elements = sum(
            prod(entry.shape)
            for entry in asked.inputs
            if entry.datatype == BYTES and entry.data is None
        )
        if elements > UNITS_LIMIT:
            raise TooLarge(
                f"the request has {elements} elements of BYTES, and {UNITS_LIMIT} are read at "
                "once; send it in parts"
            )
        if elements * ELEMENT_BYTES > UNCOUNTED_BYTES:
            self._hold.grow(elements * ELEMENT_BYTES)

    def _array(self, entry: InputEntry, parts: dict[int, memoryview]) -> Any:
        if entry.binary_bytes is None:
            return json_data.from_json(entry)
        if self._is_raw and entry.datatype == BYTES:
            return binary_data.objects([bytes(parts[entry.at])]).reshape(entry.shape)
        return binary_data.from_bytes(entry, parts[entry.at])

    def _envelope(self) -> InferRequest:
        text = self._body if self._json_bytes == len(self._body) else self._body[: self._json_bytes]
        sent = read_object(text, self._signature.short_tensor_example, self._hold)
        if twice := name_sent_twice(text, sent):
            named = f"the name {scalar(twice)} twice"
            raise InvalidInput([wanted("", named, "each name once in an object")])
        request: InferRequest = INFER.load(sent)
        return request

    def _check_outputs(self, asked: InferRequest) -> None:
        for entry in asked.outputs:
            if entry.name not in self._outputs:
                raise entry.fault("name", "an unknown name", f"one of {', '.join(self._outputs)}")

    def _raw(self) -> InferRequest:
        """The one tensor that the body is, without any JSON; all outputs are answered as bytes."""
        inputs = self._signature.tensors.inputs
        if len(inputs) > 1:
            told = f"the model has {len(inputs)} inputs; a body without JSON is one"
            raise InvalidInput([Fault(pointer("inputs"), "no JSON", "JSON that names them", told)])
        is_picture = self._signature.kind == "image"
        entry = raw_entry(inputs[0], len(self._body), is_picture=is_picture)
        return InferRequest(inputs=[entry], binary_output=True)
