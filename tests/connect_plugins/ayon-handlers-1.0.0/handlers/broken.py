"""Does not load, which is reported."""

import ayon_api
