"""A model store of a test's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def model_store(home: Path) -> Iterator[None]:
    """Use `home` as BENTOML_HOME in this process; BentoML reads the variable once, so that it alone is not enough."""
    from bentoml._internal.configuration.containers import BentoMLContainer
    from bentoml._internal.models import ModelStore

    for name in ("models", "bentos", "tmp"):
        (home / name).mkdir(parents=True, exist_ok=True)
    BentoMLContainer.model_store_dir.set(str(home / "models"))
    BentoMLContainer.model_store.set(ModelStore(str(home / "models")))
    try:
        yield
    finally:
        BentoMLContainer.model_store.reset()
        BentoMLContainer.model_store_dir.reset()
