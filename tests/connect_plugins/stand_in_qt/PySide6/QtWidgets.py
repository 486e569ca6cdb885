"""An application, and widgets that insist on its thread."""

import queue
import threading


def _insist():
    assert threading.current_thread() is threading.main_thread()


class QApplication:
    one = None

    def __init__(self, words):
        _insist()
        QApplication.one, self.posted = self, queue.Queue()

    @staticmethod
    def instance():
        return QApplication.one

    def quit(self):
        self.posted.put(None)

    def exec(self):
        for slot, said in iter(self.posted.get, None):
            slot(*said)


class QWidget:
    shown = 0

    def __init__(self, parent=None):
        _insist()

    def show(self):
        self.shown += 1

    def isVisible(self):
        return self.shown > 0

    def close(self):
        self.shown = 0

    def __getattr__(self, name):
        if name in ("raise_", "activateWindow", "setWindowTitle", "setLayout"):
            return lambda *said: None
        raise AttributeError(name)


class QLabel(QWidget):
    def __init__(self, text):
        super().__init__()
        self.words = text

    def setText(self, text):
        self.words = text

    def text(self):
        return self.words


class QVBoxLayout:
    def addWidget(self, widget):
        pass
