"""The module's objects: what is open, selected and chosen right now."""

from .attribute import raw
from .containers import PyUser, list_for


class _Panel:
    """Something of the user interface; like all of Flame it belongs to the main thread."""

    def __init__(self, world):
        world.guard(type(self).__name__)
        self._world = world


class Projects(_Panel):
    """`flame.projects`, and `flame.project` in the older spelling."""

    @property
    def current_project(self):
        """The open project."""
        return self._world.project


class Users(_Panel):
    """`flame.users`."""

    @property
    def current_user(self):
        """The person who is signed in."""
        return PyUser(self._world, name=self._world.user, nickname=self._world.user)


class Timeline(_Panel):
    """`flame.timeline`; everything may be None."""

    type = "Timeline"
    current_effect = None
    current_transition = None
    current_marker = None

    @property
    def clip(self):
        """The open clip."""
        return self._world.timeline_clip

    @property
    def current_segment(self):
        """The segment below the positioner."""
        return self._world.timeline_segment


class MediaPanel(_Panel):
    """`flame.media_panel`."""

    @property
    def selected_entries(self):
        """What is selected in the Media Panel."""
        return tuple(self._world.selected_entries)

    def copy(self, source_entries, destination):
        """Copies entries and returns the copies."""
        return [self._place(item._clone(), destination) for item in _as_list(source_entries)]

    def move(self, source_entries, destination):
        """Moves entries and returns them."""
        moved = []
        for item in _as_list(source_entries):
            item._leave()
            moved.append(self._place(item, destination))
        return moved

    def _place(self, entry, destination):
        return destination._adopt(list_for(destination, entry), entry)


class MediaHub(_Panel):
    """`flame.mediahub`."""

    projects = ()
    archives = ()

    @property
    def files(self):
        """What the MediaHub shows."""
        return self._world.mediahub_files


class Browser(_Panel):
    """`flame.browser`; the test says what the person chooses."""

    def show(
        self,
        default_path,
        extension="",
        select_directory=False,
        multi_selection=False,
        include_resolution=False,
        title="",
    ):
        """Opens the file dialog."""
        self._world.browsed.append(default_path)

    @property
    def selection(self):
        """What was chosen."""
        return list(self._world.browser_answer)


def _as_list(entries):
    value = raw(entries)
    return list(value) if isinstance(value, (list, tuple)) else [value]
