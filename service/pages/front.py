"""The front page: what runs here, and the way to everything else."""

from service.answer import Answer
from service.api.health import reasons, what_runs
from service.api.models import ENTRIES
from service.application import current_app
from service.pages.page import page


def front() -> Answer:
    """Show the models, their state, the release, and links."""
    return page(
        "front",
        models=ENTRIES.dump(current_app.catalog),
        reasons=reasons() if current_app.settings.error_detail != "none" else [],
        runs=what_runs(),
    )
