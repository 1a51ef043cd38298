"""`python -m tavce STAGE` is the same as `tavce STAGE`."""

import sys

from tavce.cli import main

sys.exit(main())
