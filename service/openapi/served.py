"""A model as the document describes it: what it is called there, and what is known of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from service.errors import ServiceError
from service.inference.model import Model
from service.inference.signature.signature import Signature
from service.inference.warming import Golden
from service.openapi.names import Slugs


@dataclass(frozen=True, slots=True)
class Served:
    """
    A *model*, at the paths of its name alone or of its *version*.

    With its *signature*, and what it has answered to the *golden* example.
    """

    model: Model
    version: str
    signature: Signature
    golden: Golden
    slug: str
    component: str
    tag: str

    @property
    def path(self) -> str:
        """Where it is below /models and /v2/models."""
        versions = f"/versions/{quote(self.version, safe='')}" if self.version else ""
        return f"/{quote(self.model.name, safe='')}{versions}"

    @property
    def title(self) -> str:
        """What a sentence calls it."""
        return f"{self.model.name} {self.version}".strip()

    def called(self, part: str) -> str:
        """The name of the component that is this *part* of it."""
        return f"{self.component}{part}"

    @property
    def limit_rows(self) -> int:
        """How many rows a request may have."""
        return self.model.manifest.serve.queue_rows


def served(models: Iterable[Model], tags: Iterable[str]) -> list[Served]:
    """
    Those of *models* that have loaded, by name; of several versions each, and the one that answers.

    Their tags are their names, but where one of the other *tags* is the same.
    """
    versions: dict[str, list[Model]] = {}
    for model in models:
        versions.setdefault(model.name, []).append(model)
    chosen = [pair for name in versions for pair in _chosen(versions[name])]
    slugs = Slugs(_label(model, version) for model, version in chosen)
    taken = {*tags}
    found = []
    for model, version in chosen:
        name = _label(model, version)
        try:
            known = model.signature, model.golden
        except ServiceError:  # it has never loaded
            continue
        tag = f"model {model.name}" if model.name in taken else model.name
        found.append(Served(model, version, *known, slugs[name], slugs.component(name), tag))
    return found


def _chosen(versions: list[Model]) -> list[tuple[Model, str]]:
    """The model that the name alone leads to, as `Catalog.find` has it, and each of several."""
    ready = [model for model in versions if model.state == "ready"]
    alone = [((ready or versions)[-1], "")]
    return alone if len(versions) == 1 else [*alone, *((each, each.version) for each in versions)]


def _label(model: Model, version: str) -> str:
    return f"{model.name}\0version {version}" if version else model.name
