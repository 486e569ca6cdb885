"""What both hooks share."""

OWNER = "two-hooks"
REGISTERED = []
