"""Projects, libraries, reels: what holds clips in the Media Panel."""

from .attribute import Children, FlameObject, Plain, Wrapped
from .batch import PyBatch
from .timeline import ArchiveEntry, PyClip, PySequence


class PyUser(FlameObject):
    """A Flame user."""

    name = Wrapped()
    nickname = Wrapped()


class PyReel(ArchiveEntry):
    """A reel: clips and sequences side by side."""

    children = Children()
    type = Plain("Reel")

    @property
    def clips(self):
        """What is a clip and not a sequence."""
        return [item for item in self._read("children") if not isinstance(item, PySequence)]

    @property
    def sequences(self):
        """The sequences."""
        return [item for item in self._read("children") if isinstance(item, PySequence)]


class PyReelGroup(ArchiveEntry):
    """A group of reels on the desktop."""

    reels = Children()

    def create_reel(self, name, sequence=False):
        """Adds a reel."""
        reel = PyReel(self._world, name=name, type="Sequence" if sequence else "Reel")
        return self._adopt("reels", reel)


class PyFolder(ArchiveEntry):
    """A folder in a library."""

    reels = Children()
    folders = Children()
    children = Children()

    @property
    def clips(self):
        """What is a clip and not a sequence."""
        return [item for item in self._read("children") if not isinstance(item, PySequence)]

    @property
    def sequences(self):
        """The sequences."""
        return [item for item in self._read("children") if isinstance(item, PySequence)]

    def create_reel(self, name):
        """Adds a reel."""
        return self._adopt("reels", PyReel(self._world, name=name))

    def create_folder(self, name):
        """Adds a folder."""
        return self._adopt("folders", PyFolder(self._world, name=name))


class PyLibrary(PyFolder):
    """A library of a workspace."""


class PyDesktop(ArchiveEntry):
    """The desktop of a workspace."""

    reel_groups = Children()
    batch_groups = Children()

    def create_reel_group(self, name):
        """Adds a reel group."""
        return self._adopt("reel_groups", PyReelGroup(self._world, name=name))


class PyWorkspace(ArchiveEntry):
    """A workspace of a project."""

    libraries = Children()
    _desktops = Children()

    @property
    def desktop(self):
        """The one desktop."""
        return self._read("_desktops")[0]

    def create_library(self, name):
        """Adds a library."""
        return self._adopt("libraries", PyLibrary(self._world, name=name))


class PyProject(FlameObject):
    """A Flame project."""

    name = Wrapped()
    nickname = Wrapped()
    description = Wrapped()
    shotgun_project_name = Wrapped()
    project_folder = Plain("")
    setups_folder = Plain("")
    media_folder = Plain("")
    shared_libraries = Children()
    _workspaces = Children()

    @property
    def current_workspace(self):
        """The open workspace."""
        return self._read("_workspaces")[0]

    @property
    def workspaces_count(self):
        """How many workspaces there are."""
        return len(self._read("_workspaces"))

    def refresh_shared_libraries(self):
        """Reads the shared libraries anew; here they are always fresh."""
        return True


def empty_project(world, name="demo_project"):
    """Opens a project with one workspace, a desktop and a reel group with one reel."""
    project = PyProject(world, name=name, nickname=name, project_folder="/projects/" + name)
    workspace = project._adopt("_workspaces", PyWorkspace(world, name="Workspace"))
    desktop = workspace._adopt("_desktops", PyDesktop(world, name="Desktop"))
    group = desktop._adopt("reel_groups", PyReelGroup(world, name="Reels"))
    group._adopt("reels", PyReel(world, name="Sequences", type="Sequence"))
    world.project = project
    world.batch = desktop._adopt("batch_groups", PyBatch(world, name="Batch 1"))
    world.timeline_clip = None
    world.timeline_segment = None
    world.selected_entries = ()
    return project


def first_reel(world):
    """Returns the reel that fixtures put their sequences on."""
    desktop = world.project._values["_workspaces"][0]._values["_desktops"][0]
    return desktop._values["reel_groups"][0]._values["reels"][0]


def all_objects(world):
    """Yields every handle in the project."""
    return world.project._offspring()


def list_for(destination, entry):
    """Returns the name of the list in which `destination` keeps entries of this kind."""
    wanted = "children" if isinstance(entry, PyClip) else {
        PyReel: "reels",
        PyFolder: "folders",
        PyLibrary: "libraries",
    }.get(type(entry))
    if wanted is None or wanted not in type(destination)._members():
        raise RuntimeError(
            "{} cannot go into {}".format(type(entry).__name__, type(destination).__name__)
        )
    return wanted
