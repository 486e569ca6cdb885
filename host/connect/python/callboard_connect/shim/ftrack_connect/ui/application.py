"""The base of widget plugins. Without Qt it can be subclassed and registered all the same, and is then named."""

from callboard_connect.missing import attribute
from callboard_connect.windows import WIDGET_TOPIC

try:
    from ftrack_connect.qt import QtCore, QtWidgets

    _Widget, _Signal = QtWidgets.QWidget, QtCore.Signal
except ModuleNotFoundError:
    _Widget, _Signal = object, lambda *_: None

__getattr__ = attribute(__name__)


class ConnectWidgetPlugin:
    """Offers a widget's class."""

    topic = WIDGET_TOPIC

    def __init__(self, connect_widget):
        if not isinstance(connect_widget, type):
            raise TypeError("a widget plugin is made of the widget's class, not of `{!r}`".format(connect_widget))
        self._connect_widget = connect_widget

    def register(self, session, priority=100):
        """Answers with the class when it is asked for."""
        expression = 'topic={} and source.user.username="{}"'.format(self.topic, session.api_user)
        session.event_hub.subscribe(expression, lambda event: self._connect_widget, priority=priority)


class ConnectWidget(_Widget):
    """A widget of a plugin; it gets a window of its own."""

    name = None
    icon = None
    requestApplicationFocus = _Signal(object)
    requestApplicationClose = _Signal(object)
    requestConnectRestart = _Signal()
    fetchPlugins = _Signal(object)

    def __init__(self, session, parent=None):
        super().__init__(parent=parent)
        self._session = session

    @property
    def session(self):
        """The plugin's session."""
        return self._session

    def getName(self):
        """Returns what the widget is called."""
        return self.name or type(self).__name__

    def getIdentifier(self):
        """Returns the name as events write it."""
        return self.getName().lower().replace(" ", ".")

    def refresh(self):
        """Reads everything anew; for a subclass to do."""

    def get_debug_information(self):
        """Returns what helps whoever looks for a mistake."""
        return {"name": self.getName(), "identifier": self.getIdentifier()}
