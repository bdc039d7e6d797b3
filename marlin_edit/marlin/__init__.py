"""Runs Marlin: frames from the source, the trained video format, the engine, and reading of its answers.

The only package that imports torch; `profile` and `prompts` do not.
"""
