"""`python -m callboard_connect`: see `serve`."""

import sys

from callboard_connect.serve import main

sys.exit(main())
