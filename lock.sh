#!/usr/bin/env bash
# Writes constraints.txt, all that the tests run with; requirements.lock, all that marlin-edit runs with, with hashes; and
# requirements-light.lock, the same without torch and what is built on it.
# Needs uv. What is pinned stays pinned: take a line out of constraints.txt to get a newer version.
set -euo pipefail
cd "$(dirname "$0")"

made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
common=(--quiet --universal --python-version 3.11 --no-header --no-annotate)

uv pip compile pyproject.toml "${common[@]}" -c constraints.txt -o "$made/all" \
  --extra test --extra aaf --extra broadcast --extra webp --extra docs --extra fuzz
uv pip compile pyproject.toml "${common[@]}" -c "$made/all" -o "$made/locked" --generate-hashes

sed -n '/^dependencies = \[/,/^]/s/^  "\(.*\)",$/\1/p' pyproject.toml | grep -vE '^(torch|torchcodec|transformers)\b' \
  > "$made/light.in"
uv pip compile "$made/light.in" "${common[@]}" -c "$made/all" -o "$made/light" --generate-hashes

{
  echo "# The set that the tests ran with, and all that it needs. \`make lock\` writes this file and requirements.lock."
  cat "$made/all"
} > constraints.txt
{
  echo "# What marlin-edit runs with, with the hashes of PyPI's files. \`make lock\` writes it; docs/install.md tells its use."
  cat "$made/locked"
} > requirements.lock
{
  echo "# The same without torch, for all that shows no film to the model here. docs/install.md tells its use."
  cat "$made/light"
} > requirements-light.lock
