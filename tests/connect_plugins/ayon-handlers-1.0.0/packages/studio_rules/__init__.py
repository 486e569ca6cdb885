"""What the handlers share."""

ROLES = ["Administrator"]
NOBODY = ["Role that nobody has"]
