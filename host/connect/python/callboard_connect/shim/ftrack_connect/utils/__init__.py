"""Where Connect keeps some of its functions since 24.8."""

from callboard_connect.missing import attribute

__getattr__ = attribute(__name__)
