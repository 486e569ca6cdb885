"""`flame.messages`: the message bar and the plain dialog, both recorded."""

from collections import namedtuple

ConsoleLine = namedtuple("ConsoleLine", "message type duration")
Dialog = namedtuple("Dialog", "title message type buttons cancel_button answer")


class UnscriptedDialog(BaseException):
    """A dialog opened for which the test scripted no answer; a person would be waiting."""


class Messages:
    """What Flame tells the person in front of it."""

    CONSOLE_TYPES = ("info", "warning", "error")
    DIALOG_TYPES = ("error", "info", "question", "warning")

    def __init__(self, world):
        self._world = world

    def show_in_console(self, message, type="info", duration=-1):
        """Writes to the message bar."""
        self._world.guard("messages.show_in_console")
        _require(type, self.CONSOLE_TYPES)
        self._world.messages.append(ConsoleLine(message, type, duration))

    def clear_console(self):
        """Empties the message bar."""
        self._world.guard("messages.clear_console")
        self._world.messages.append(ConsoleLine("", "info", -1))

    def show_in_dialog(self, title, message, type, buttons, cancel_button=""):
        """Asks, and returns the label that the test scripted."""
        self._world.guard("messages.show_in_dialog")
        _require(type, self.DIALOG_TYPES)
        offered = list(buttons) + ([cancel_button] if cancel_button else [])
        if not self._world.dialog_answers:
            raise UnscriptedDialog("{}: {}".format(title, message))
        answer = self._world.dialog_answers.popleft()
        if answer not in offered:
            raise UnscriptedDialog("`{}` is not among {}".format(answer, offered))
        self._world.dialogs.append(
            Dialog(title, message, type, tuple(buttons), cancel_button, answer)
        )
        return answer


def _require(kind, known):
    if kind not in known:
        raise RuntimeError("unknown message type `{}`".format(kind))
