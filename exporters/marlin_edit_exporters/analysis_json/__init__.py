"""The analysis file (`.json`): everything that is known of a source, written and read back without loss.

Times are exact decimal or `n/d` strings in seconds from zero. docs/analysis-file.md describes every key.
"""

from marlin_edit_exporters.analysis_json.reading import read
from marlin_edit_exporters.analysis_json.writing import SCHEMA, render

__all__ = ["SCHEMA", "read", "render"]
