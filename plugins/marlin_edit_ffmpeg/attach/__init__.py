"""`marlin-edit attach`: subtitle tracks into a copy of a video whose picture and sound stay as they are."""
