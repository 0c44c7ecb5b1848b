"""What a batch run is asked to do, and what it says at the end."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from serving.config import Frozen
from stance.schema import Actor, Strict

OutputFormat = Literal["parquet", "jsonl"]
Column = Annotated[str, Field(min_length=1)]


def _not_empty(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value or not all(item.strip() for item in value):
        raise ValueError("name at least one file, folder, glob or URL")
    return value


class RowLimits(Frozen):
    """What one row may hold; a row beyond it becomes a row of `errors`.

    `row_bytes` bounds what is read of one line or cell at all, so that no row costs the run its memory.
    """

    row_bytes: int = Field(default=16_777_216, ge=1024)
    text_characters: int = Field(default=200_000, ge=1)
    actors: int = Field(default=100, ge=1)


class ScoreConfig(Frozen):
    """A batch run.

    `inputs`: JSONL, CSV, TSV or Parquet as files, folders, globs or URLs. `actors`: a file, or the actors
    themselves; they apply to rows that bring none. `id_column` null names each row by its file and place;
    `date_column` null leaves dates out. `model`: a folder or a tag of the model store, null is the shipped
    one. `workers` and `threads` (cores of one worker) are chosen from the machine where null. `shard_rows`:
    rows in one unit of work. `redo` replaces the shards that a changed input, model or setting touches.
    """

    inputs: Annotated[tuple[str, ...], AfterValidator(_not_empty)]
    out: Path
    actors: Path | tuple[Actor, ...] | None = None
    engine: Literal["local", "ray"] = "local"
    address: str | None = None
    text_column: Column = "text"
    id_column: Column | None = "id"
    date_column: Column | None = "date"
    format: OutputFormat = "parquet"
    model: str | None = None
    workers: int | None = Field(default=None, ge=1)
    threads: int | None = Field(default=None, ge=1)
    shard_rows: int = Field(default=2_000, ge=1)
    include_neutral: bool = False
    author: bool = False
    redo: bool = False
    limits: RowLimits = RowLimits()

    @model_validator(mode="after")
    def _consistent(self) -> ScoreConfig:
        if self.address is not None and self.engine != "ray":
            raise ValueError("address: only the engine ray takes one; add --engine ray or leave it out")
        return self


class ScoreSummary(Strict):
    """What a finished run did.

    `failed` rows are listed in the table `errors`, counted by code in `errors`, and the first few stand in
    `failures`, one line each. `resumed` shards were there already. `rate` is in sentences a second, of this
    call alone.
    """

    out: str
    model: str
    files: int
    rows: int
    failed: int
    sentences: int
    sentiment: int
    stances: int
    relations: int
    abstained: int
    shards: int
    resumed: int
    seconds: float
    rate: float
    errors: dict[str, int] = Field(default_factory=dict)
    failures: list[str] = Field(default_factory=list)
    ignored: list[str] = Field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 when every row was scored, 1 when some failed."""
        return 1 if self.failed else 0
