"""A corpus at a glance: `write_report(out)` makes one HTML page and CSVs of a run's tables."""

from serving.batch.report.write import Report, write_report

__all__ = ["Report", "write_report"]
