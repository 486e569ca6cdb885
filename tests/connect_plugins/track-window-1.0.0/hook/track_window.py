"""A widget: a label and a way to have it say something else."""

import ftrack_api

import ftrack_connect.ui.application

try:
    from PySide6 import QtWidgets
except ImportError:
    from PySide2 import QtWidgets


class TrackWindow(ftrack_connect.ui.application.ConnectWidget):
    name = "Track window"

    def __init__(self, session, parent=None):
        super().__init__(session, parent)
        self.label = QtWidgets.QLabel("Nothing yet for {}".format(session.api_user))
        layout = QtWidgets.QVBoxLayout()
        layout.addWidget(self.label)
        self.setLayout(layout)

    def say(self, event):
        self.label.setText(event["data"]["text"])
        return {"said": self.label.text(), "visible": self.isVisible()}


def register(session, **kw):
    if isinstance(session, ftrack_api.session.Session):
        ftrack_connect.ui.application.ConnectWidgetPlugin(TrackWindow).register(session, priority=30)
