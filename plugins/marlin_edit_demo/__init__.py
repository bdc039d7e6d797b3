"""A very small Marlin for a world of coloured moving shapes: the world, the training, the evaluation, the checkpoint."""
