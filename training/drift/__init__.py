"""Whether what a model sees now still looks like what it was made for."""

from training.drift.record import Window, read_reference, read_window, reference_path, write_reference
from training.drift.report import write_report
from training.drift.signals import DriftLimits, NotComparable, Side, Signal, drift, load_limits

__all__ = [
    "DriftLimits",
    "NotComparable",
    "Side",
    "Signal",
    "Window",
    "drift",
    "load_limits",
    "read_reference",
    "read_window",
    "reference_path",
    "write_reference",
    "write_report",
]
