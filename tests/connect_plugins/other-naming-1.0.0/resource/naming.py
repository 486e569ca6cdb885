"""Not the module that another plugin calls by this name."""

OWNER = "other-naming"
