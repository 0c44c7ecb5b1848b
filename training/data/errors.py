"""One error for everything that is wrong in a file of labelled data."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

#: How many problems the message spells out; `DataError.problems` holds all of them.
SHOWN = 20


@dataclass(frozen=True)
class RowProblem:
    """What is wrong in one line of one file; `line` counts from 1, 0 stands for the file as a whole."""

    file: str
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.field}: {self.message}" if self.field else f"{place}: {self.message}"


class DataError(ValueError):
    """Labelled data that cannot be used; `problems` lists every bad row with file, line and field."""

    def __init__(self, problems: Sequence[RowProblem]) -> None:
        self.problems = list(problems)
        lines = [str(problem) for problem in self.problems[:SHOWN]]
        if len(self.problems) > SHOWN:
            lines.append(f"... and {len(self.problems) - SHOWN} more")
        super().__init__("\n".join(lines))

    @classmethod
    def single(cls, file: Path, line: int, field: str, message: str) -> "DataError":
        """Return the error for one problem."""
        return cls([RowProblem(str(file), line, field, message)])
