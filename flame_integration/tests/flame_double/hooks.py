"""What Flame does with folders of hooks: find, import, merge, ask, call, reload."""

import importlib
import importlib.util
import os
import sys
import time
import traceback
from collections import namedtuple

from .menus import build_menu
from .releases import is_within

MENU_HOOKS = {
    "media_panel": "get_media_panel_custom_ui_actions",
    "timeline": "get_timeline_custom_ui_actions",
    "batch": "get_batch_custom_ui_actions",
    "action": "get_action_custom_ui_actions",
    "main_menu": "get_main_menu_custom_ui_actions",
    "mediahub_files": "get_mediahub_files_custom_ui_actions",
    "mediahub_projects": "get_mediahub_projects_custom_ui_actions",
    "mediahub_archives": "get_mediahub_archives_custom_ui_actions",
}

OTHER_HOOKS = (
    "app_initialized",
    "app_exited",
    "project_changed",
    "project_changed_dict",
    "project_saved",
    "user_changed",
    "render_ended",
    "timeline_default_shot_name",
    "batch_setup_loaded",
    "batch_setup_saved",
    "batch_render_begin",
    "batch_render_end",
    "batch_burn_begin",
    "batch_burn_end",
    "batch_export_begin",
    "batch_export_end",
    "get_custom_export_profiles",
)

CallbackRun = namedtuple("CallbackRun", "what flame_seconds real_seconds")
Clicked = namedtuple("Clicked", "entry run")


class BudgetExceeded(AssertionError):
    """A callback held Flame for longer than the test allows."""


class HookLoader:
    """Loads hooks from folders as Flame does, and calls them.

    `budget` is the longest time, on the fake clock, that one callback may hold Flame; None sets
    no limit. Exceptions of hooks are caught as Flame does, and kept in `problems`.
    """

    def __init__(self, world, paths, budget=None):
        self.world = world
        self.paths = [os.path.abspath(path) for path in paths]
        self.budget = budget
        self.modules = {}
        self.problems = []
        self.runs = []
        self._hooks = {}
        world.hooks = self

    # Loading.

    def scan(self):
        """Imports every Python file below the paths and collects the hooks in them."""
        for path in self.paths:
            for file in _python_files(path):
                self._import(file)
        self._collect()
        return self

    def rescan(self):
        """Reloads the modules into the same globals, as `importlib.reload` does."""
        for name, module in list(self.modules.items()):
            if sys.modules.get(name) is not module:
                self.problems.append("`{}` left sys.modules before the rescan".format(name))
                continue
            self._guarded(name, importlib.reload, module)
        self._collect()

    def unload(self):
        """Forgets the modules, for the next test."""
        for name, module in self.modules.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
        self.modules = {}
        self._hooks = {}
        if self.world.hooks is self:
            self.world.hooks = None

    def _import(self, file):
        name = os.path.splitext(os.path.basename(file))[0]
        if name in self.modules or name in sys.modules:
            self.problems.append("two modules are called `{}`: `{}`".format(name, file))
            return
        spec = importlib.util.spec_from_file_location(name, file)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        # `importlib.reload` looks the module up by name, which needs its folder on the path.
        folder = os.path.dirname(file)
        if folder not in sys.path:
            sys.path.append(folder)
        if self._guarded(name, spec.loader.exec_module, module).ok:
            self.modules[name] = module
        else:
            del sys.modules[name]

    def _collect(self):
        self._hooks = {}
        for module in self.modules.values():
            for hook in list(MENU_HOOKS.values()) + list(OTHER_HOOKS):
                function = getattr(module, hook, None) or getattr(module, _camel(hook), None)
                if callable(function) and self._is_loaded(function):
                    self._hooks.setdefault(hook, []).append(function)

    def _is_loaded(self, function):
        minimum = getattr(function, "minimum_version", None)
        maximum = getattr(function, "maximum_version", None)
        return is_within(self.world.version, minimum, maximum)

    # Calling.

    def call(self, hook, *arguments):
        """Calls a hook in every module that has it and returns the answers."""
        answers = []
        for function in self._hooks.get(hook, ()):
            done = self._guarded(hook, function, *arguments)
            if done.ok:
                answers.append(done.value)
        return answers

    def menu(self, surface, selection=()):
        """Returns the visible entries of a menu, in order, for a selection."""
        groups = []
        for answer in self.call(MENU_HOOKS[surface]):
            groups.extend(answer)
        entries, problems = build_menu(groups, self.world.version)
        self.problems.extend(problems)
        return [
            entry._replace(enabled=self._decide(entry, "isEnabled", selection))
            for entry in entries
            if self._decide(entry, "isVisible", selection)
        ]

    def click(self, surface, label, selection=(), execute_selection=None):
        """Chooses a menu entry and returns the time that it held Flame.

        `execute_selection` is for the Flame that hands `execute` another selection than it showed
        to `isVisible`.
        """
        found = [entry for entry in self.menu(surface, selection) if entry.caption == label]
        if len(found) != 1 or not found[0].enabled:
            raise LookupError("no menu entry `{}` to click in {}".format(label, surface))
        given = selection if execute_selection is None else execute_selection
        done = self._guarded(label, found[0].action["execute"], tuple(given))
        return Clicked(found[0], done.run)

    def _decide(self, entry, key, selection):
        decision = entry.action.get(key, True)
        if not callable(decision):
            return bool(decision)
        done = self._guarded("{} {}".format(entry.caption, key), decision, tuple(selection))
        return bool(done.value) if done.ok else False

    def _guarded(self, what, function, *arguments):
        flame_began, real_began = self.world.clock.now(), time.perf_counter()
        ok, value = True, None
        try:
            value = function(*arguments)
        except Exception:  # Flame prints the trace and goes on.
            ok = False
            self.problems.append("{}:\n{}".format(what, traceback.format_exc()))
        run = CallbackRun(
            what, self.world.clock.now() - flame_began, time.perf_counter() - real_began
        )
        self.runs.append(run)
        if self.budget is not None and run.flame_seconds > self.budget:
            raise BudgetExceeded("{} held Flame for {:.4f} s".format(what, run.flame_seconds))
        return _Done(ok, value, run)


_Done = namedtuple("_Done", "ok value run")


def _python_files(path):
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(files):
            if name.endswith(".py"):
                yield os.path.join(folder, name)


def _camel(name):
    if name == "app_exited":
        return "appExit"
    first, rest = name.split("_")[0], name.split("_")[1:]
    return first + "".join(part.upper() if part == "ui" else part.title() for part in rest)
