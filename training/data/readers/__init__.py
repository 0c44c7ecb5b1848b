"""Readers: each source's files as `stance.labelled.LabelledDocument`."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from stance.labelled import LabelledDocument
from training.data.errors import DataError
from training.data.readers.dse import read_dse
from training.data.readers.gum import read_gum
from training.data.readers.jsonl import read_jsonl
from training.data.readers.label_studio import read_label_studio
from training.data.readers.newsmtsc import read_newsmtsc
from training.data.readers.parquet import read_parquet
from training.data.readers.table import read_csv

__all__ = [
    "DataError",
    "SourceSpec",
    "read_csv",
    "read_dse",
    "read_gum",
    "read_jsonl",
    "read_label_studio",
    "read_newsmtsc",
    "read_parquet",
    "read_source",
    "stream_source",
]


class SourceSpec(BaseModel):
    """Where labelled data lies and in which format; `split` is GUM's, and no other format has one."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    format: Literal["newsmtsc", "dse", "gum", "jsonl", "csv", "parquet", "label_studio"]
    path: Annotated[Path, Field(strict=False)]
    split: Literal["train", "dev", "test"] | None = None

    @model_validator(mode="after")
    def _split_fits(self) -> "SourceSpec":
        if self.format == "gum" and self.split is None:
            raise ValueError("split: gum needs one of train, dev, test")
        if self.format != "gum" and self.split is not None:
            raise ValueError(f"split: {self.format} has one file a split; name the file in path and leave split out")
        return self


def read_source(spec: SourceSpec) -> list[LabelledDocument]:
    """Return all documents of a source; raise `DataError` that lists what cannot be read."""
    return list(stream_source(spec))


def stream_source(spec: SourceSpec) -> Iterator[LabelledDocument]:
    """Yield the documents of a source; what cannot be read is listed by a `DataError` after the last good one.

    One document is in memory at a time, except for the formats that are one whole (Label Studio's, DSE).
    """
    if spec.format == "gum":
        assert spec.split is not None  # the spec's own validator saw to it
        yield from read_gum(spec.path, spec.split)
        return
    readers: dict[str, Callable[[Path], Iterable[LabelledDocument]]] = {
        "newsmtsc": read_newsmtsc,
        "dse": read_dse,
        "jsonl": read_jsonl,
        "csv": read_csv,
        "parquet": read_parquet,
        "label_studio": read_label_studio,
    }
    yield from readers[spec.format](spec.path)
