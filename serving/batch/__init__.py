"""Batch scoring: `score(ScoreConfig(...))` reads files, writes tables, and survives being killed.

sources, readers, rows   which files, their rows, what is wrong with a row
plan, doubles            the input cut into shards, ids used twice
identity, run            what results depend on, what is done and what is missing
unit, tables, files      one shard scored, its tables, written whole or not at all
engine, local, ray_engine, progress
report                   a page and CSVs about a corpus
"""

from serving.batch.config import RowLimits, ScoreConfig, ScoreSummary
from serving.batch.engine import score
from serving.batch.errors import BatchError, EngineError, InputError, OutputError, Stopped
from serving.batch.progress import State, log_to_stderr, shown_progress
from serving.batch.report import Report, write_report

__all__ = [
    "BatchError",
    "EngineError",
    "InputError",
    "OutputError",
    "Report",
    "RowLimits",
    "ScoreConfig",
    "ScoreSummary",
    "State",
    "Stopped",
    "log_to_stderr",
    "score",
    "shown_progress",
    "write_report",
]
