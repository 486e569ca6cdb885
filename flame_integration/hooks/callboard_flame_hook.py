"""Callboard's menus in Flame: tables and quick predicates, nothing else.

Flame imports this file on its main thread at start and runs it again at every rescan, so it opens
nothing, waits for nothing and keeps nothing. What lives longer is in `callboard_flame_bridge`.
"""

import os
import sys

import flame

_HERE = os.path.dirname(os.path.realpath(__file__))

for _folder in (
    os.path.join(_HERE, os.pardir, "bridge"),
    os.path.join(_HERE, os.pardir, os.pardir, "sdk", "python"),
):
    # At the end, so that nothing of Flame's own is ever hidden.
    if os.path.normpath(_folder) not in sys.path:
        sys.path.append(os.path.normpath(_folder))

import callboard_flame_bridge  # noqa: E402


def get_media_panel_custom_ui_actions():
    """Offers the actions on what is selected in the Media Panel."""
    return _menu(is_visible=_has_sequence)


def get_main_menu_custom_ui_actions():
    """Offers the same in the main menu, whose selection Flame does not define."""
    return _menu(is_visible=True)


def batch_render_begin(info, user_data, *_):
    """Has the host leave the artist alone while a batch renders."""
    callboard_flame_bridge.current_session().set_busy("rendering")


def batch_render_end(info, user_data, *_):
    """Lets it speak again; Flame calls this for a render that was aborted as well."""
    callboard_flame_bridge.current_session().set_busy("")


def app_exited(info):
    """Lets go of the bus when Flame ends."""
    callboard_flame_bridge.close()


def _menu(is_visible):
    return [
        {
            "name": "Callboard",
            "actions": [
                {
                    "name": "Create Shots in ftrack…",
                    "isVisible": is_visible,
                    "execute": _create_shots,
                    "waitCursor": False,
                }
            ],
        }
    ]


def _has_sequence(selection):
    return any(isinstance(entry, flame.PySequence) for entry in selection)


def _create_shots(selection):
    callboard_flame_bridge.current_session().launch("shot_creation.create_shots", selection)
