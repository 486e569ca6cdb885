"""What `import flame` shows: the module's classes, objects and functions, by release."""

import os
import subprocess

from . import batch, containers, timeline
from .attribute import PyAttribute
from .containers import all_objects, list_for
from .messages import Messages
from .panels import Browser, MediaHub, MediaPanel, Projects, Timeline, Users
from .pytime import PyTime
from .releases import numbers_from_version
from .world import current

CLASSES = {
    kind.__name__: kind
    for kind in (
        PyAttribute,
        PyTime,
        batch.PyBatch,
        batch.PyClipNode,
        batch.PyNode,
        batch.PyRenderNode,
        batch.PyWriteFileNode,
        containers.PyDesktop,
        containers.PyFolder,
        containers.PyLibrary,
        containers.PyProject,
        containers.PyReel,
        containers.PyReelGroup,
        containers.PyUser,
        containers.PyWorkspace,
        timeline.PyAudioTrack,
        timeline.PyClip,
        timeline.PyMarker,
        timeline.PySegment,
        timeline.PySequence,
        timeline.PyTimelineFX,
        timeline.PyTimewarpTimelineFX,
        timeline.PyTrack,
        timeline.PyTransition,
        timeline.PyVersion,
    )
}

OBJECTS = {
    "batch": lambda world: world.batch,
    "browser": Browser,
    "media_panel": MediaPanel,
    "mediahub": MediaHub,
    "messages": Messages,
    "project": Projects,
    "projects": Projects,
    "timeline": Timeline,
    "users": Users,
}

# The only member that other threads may touch.
ANY_THREAD = "schedule_idle_event"

TABS = ("MediaHub", "Conform", "Timeline", "Effects", "Batch", "Tools")


def member(name):
    """Returns what the `flame` module has under a name in the current release."""
    if name.startswith("_"):
        raise AttributeError(name)
    world = current()
    if name != ANY_THREAD:
        world.guard("flame." + name)
    if world.offers(None, name):
        if name in CLASSES:
            return CLASSES[name]
        if name in OBJECTS:
            return OBJECTS[name](world)
        if name in vars(Functions):
            return getattr(Functions(world), name)
    raise AttributeError("module 'flame' has no attribute '{}'".format(name))


def names():
    """Returns what `dir(flame)` lists."""
    world = current()
    functions = [name for name in vars(Functions) if not name.startswith("_")]
    every = list(CLASSES) + list(OBJECTS) + functions
    return sorted(name for name in every if world.offers(None, name))


class Functions:
    """The functions of the `flame` module."""

    def __init__(self, world):
        self._world = world

    def schedule_idle_event(self, function, delay=0):
        """Queues a function for the main thread."""
        self._world.schedule_idle(function, delay)

    def delete(self, obj, confirm=True):
        """Deletes one object or several, after a question when `confirm` is set."""
        if confirm:
            buttons = ["Delete"]
            answer = Messages(self._world).show_in_dialog("Delete", "", "question", buttons, "Cancel")
            if answer != "Delete":
                return False
        for item in obj if isinstance(obj, (list, tuple)) else [obj]:
            item._leave()
            item._die()
        return True

    def duplicate(self, obj, keep_node_connections=False):
        """Returns a copy that lies beside the original."""
        siblings, parent = obj._siblings(), obj.parent
        copy = obj._clone()
        siblings.append(copy)
        object.__setattr__(copy, "_parent", parent)
        return copy

    def duplicate_many(self, objs, keep_node_connections=False):
        """Returns copies of several objects."""
        return [self.duplicate(item, keep_node_connections) for item in objs]

    def import_clips(self, path, destination=None):
        """Returns clips for media files, put into the destination; paths without media give none."""
        target = destination if destination is not None else containers.first_reel(self._world)
        made = []
        for item in path if isinstance(path, (list, tuple)) else [path]:
            if os.path.exists(item):
                stem = os.path.splitext(os.path.basename(item))[0]
                clip = timeline.PyClip(self._world, name=stem, _path=item)
                made.append(target._adopt(list_for(target, clip), clip))
        return made

    def find_by_name(self, name, parent=None):
        """Returns the objects with a name, below the parent or anywhere."""
        return [item for item in self._below(parent) if item._values.get("name") == name]

    def find_by_uid(self, uid):
        """Returns the object with an identity, or None."""
        found = [item for item in self._below(None) if item._values.get("uid") == uid]
        return found[0] if found else None

    def find_by_wiretap_node_id(self, node_id):
        """Returns the object with a database id, or None."""
        found = [item for item in self._below(None) if item._values.get("_node") == node_id]
        return found[0] if found else None

    def get_current_tab(self):
        """Returns the name of the open tab."""
        return self._world.tab

    def set_current_tab(self, name):
        """Opens a tab and returns whether there is one of that name."""
        if name not in TABS:
            return False
        self._world.tab = name
        return True

    go_to = set_current_tab

    def get_home_directory(self):
        """Returns the user's Flame folder."""
        return "/home/{}/flame".format(self._world.user)

    def get_init_cfg_path(self):
        """Returns the configuration file."""
        return "/opt/Autodesk/{}_{}/cfg/init.cfg".format(self._world.product, self._world.version)

    def get_version(self):
        """Returns the version as text."""
        return self._world.version

    def get_version_major(self):
        """Returns the year, as text."""
        return self._version_piece(0)

    def get_version_minor(self):
        """Returns the second number, as text."""
        return self._version_piece(1)

    def get_version_patch(self):
        """Returns the third number, as text."""
        return self._version_piece(2)

    def get_version_stamp(self):
        """Returns the build stamp."""
        return ""

    def execute_command(
        self, command, blocking=True, shell=False, capture_stdout=False, capture_stderr=False
    ):
        """Runs a command without any environment; returns exit code, output and errors."""
        if not blocking and (capture_stdout or capture_stderr):
            raise RuntimeError("capturing needs a blocking command")
        child = subprocess.Popen(
            command if shell or isinstance(command, (list, tuple)) else command.split(),
            shell=shell,
            env={},
            stdout=subprocess.PIPE if capture_stdout else subprocess.DEVNULL,
            stderr=subprocess.PIPE if capture_stderr else subprocess.DEVNULL,
        )
        if not blocking:
            self._world.children.append(child)
            return (0, "", "")
        out, errors = child.communicate()
        return (child.returncode, (out or b"").decode(), (errors or b"").decode())

    def execute_shortcut(self, description, update_list=True):
        """Does what a shortcut does; the double knows how to rescan hooks."""
        self._world.shortcuts.append(description)
        if description == "Rescan Python Hooks" and self._world.hooks is not None:
            self._world.hooks.rescan()
            return True
        return False

    def clear_graphics_memory(self):
        """Frees graphics memory, of which the double has none."""

    def exit(self):
        """Ends Flame: hooks hear of it, and no idle event runs any more."""
        if self._world.hooks is not None:
            self._world.hooks.call("app_exited", {"version": self._world.version})
        self._world._busy += 1

    def _below(self, parent):
        return list(parent._offspring() if parent is not None else all_objects(self._world))

    def _version_piece(self, index):
        numbers = numbers_from_version(self._world.version)
        return str(numbers[index]) if index < len(numbers) else "0"


