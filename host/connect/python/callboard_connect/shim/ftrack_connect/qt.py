"""The Qt binding that there is."""

try:
    from PySide6 import QtCore, QtGui, QtWidgets
except ModuleNotFoundError:
    from PySide2 import QtCore, QtGui, QtWidgets

from callboard_connect.missing import attribute

__all__ = ["QtCore", "QtGui", "QtWidgets"]
__getattr__ = attribute(__name__)
