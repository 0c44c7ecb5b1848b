"""Whether what a model sees now still looks like what it was made for."""

from training.drift.report import write_report
from training.drift.signals import DriftLimits, Signal, drift, load_limits, read_results

__all__ = ["DriftLimits", "Signal", "drift", "load_limits", "read_results", "write_report"]
