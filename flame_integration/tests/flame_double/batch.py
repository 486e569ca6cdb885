"""Batch groups and their nodes."""

from .attribute import Children, FlameObject, Plain, Wrapped
from .timeline import ArchiveEntry


class PyNode(FlameObject):
    """A node of a batch schematic."""

    name = Wrapped()
    pos_x = Wrapped(0)
    pos_y = Wrapped(0)
    colour = Wrapped((0.0, 0.0, 0.0))
    note = Wrapped()
    type = Plain("Node")


class PyClipNode(PyNode):
    """A node that brings a clip in."""

    type = Plain("Clip")
    clip = Plain()


class PyWriteFileNode(PyNode):
    """A node that writes files."""

    type = Plain("Write File")
    media_path = Wrapped()
    media_path_pattern = Wrapped()
    file_type = Wrapped("OpenEXR")
    range_start = Wrapped(1)
    range_end = Wrapped(1)
    version_mode = Wrapped("No Version")
    version_number = Wrapped(1)
    frame_padding = Wrapped(4)


class PyRenderNode(PyNode):
    """A node that renders to a reel."""

    type = Plain("Render")
    frame_rate = Wrapped("24 fps")
    range_start = Wrapped(1)
    range_end = Wrapped(1)


class PyBatch(ArchiveEntry):
    """A batch group."""

    nodes = Children()
    reels = Children()
    shelf_reels = Children()
    start_frame = Wrapped(1)
    duration = Wrapped(1)
    current_node = Wrapped(None)
    _selected = Plain(())

    @property
    def selected_nodes(self):
        """The selected nodes."""
        return list(self._read("_selected"))

    def create_node(self, node_type):
        """Adds a node of a kind."""
        kinds = {"Write File": PyWriteFileNode, "Render": PyRenderNode, "Clip": PyClipNode}
        node = kinds.get(node_type, PyNode)(self._world, name=node_type, type=node_type)
        return self._adopt("nodes", node)

    def open(self):
        """Makes this the current batch group."""
        self._world.batch = self
        return True
