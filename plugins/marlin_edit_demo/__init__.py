"""A very small Marlin for a world of coloured moving shapes: its world, training, evaluation and checkpoint."""
