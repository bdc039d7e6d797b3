"""What really happens in videos, as somebody noted it down: what `eval` measures against and `calibrate` learns from.

Read from our own format, and from annotations of public data sets. docs/evaluation.md describes them.
"""

from marlin_edit.evaluation.ground_truth.parse import SCHEMA, read_truth
from marlin_edit.evaluation.ground_truth.values import TrueEvent, TrueQuery, TrueVideo, Truth

__all__ = ["SCHEMA", "TrueEvent", "TrueQuery", "TrueVideo", "Truth", "read_truth"]
