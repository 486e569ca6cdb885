"""Imports parts of Connect that only Connect's own windows need, some of them with care."""

try:
    from ftrack_connect.plugin_manager import PluginProcessor
except ImportError:
    PluginProcessor = None

try:
    from ftrack_connect.util import invoke_in_main_thread
except ImportError:
    invoke_in_main_thread = None

import ftrack_connect.ui.widget.item_list


def register(session, **kw):
    raise AssertionError("never reached")
