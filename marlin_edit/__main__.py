"""`python -m marlin_edit` is `marlin-edit`."""

import sys

from marlin_edit.cli import main

if __name__ == "__main__":
    sys.exit(main())
