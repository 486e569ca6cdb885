"""Signals, delivered on Qt's thread."""


class Signal:
    def __init__(self, *types):
        pass

    def __set_name__(self, owner, name):
        self.name = "_slots_" + name

    def __get__(self, one, owner):
        return self if one is None else Bound(one.__dict__.setdefault(self.name, []))


class Bound:
    def __init__(self, slots):
        self.slots = slots

    def connect(self, slot, kind=None):
        self.slots.append(slot)

    def emit(self, *said):
        from PySide6 import QtWidgets

        for slot in self.slots:
            QtWidgets.QApplication.one.posted.put((slot, said))


class QObject:
    pass


class Qt:
    class ConnectionType:
        QueuedConnection = 2
