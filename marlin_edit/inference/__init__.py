"""From windows of a source to an analysis: asking the model, merging, searching again, scoring, keeping answers."""
