"""How good a model's answers are: measures of what it found and reported, against what is true.

Each measure is a pure function of a file here, and its docstring names the published definition. docs/evaluation.md
explains them to people.
"""
