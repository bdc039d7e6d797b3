"""The analysis file (`.json`): everything that is known of a source, written and read back without loss.

Times are exact decimal or `n/d` strings in seconds from zero. docs/analysis-file.md describes every key.
"""

from marlin_edit_exporters.analysis_json.reader import read
from marlin_edit_exporters.analysis_json.writer import SCHEMA, render

__all__ = ["SCHEMA", "read", "render"]
