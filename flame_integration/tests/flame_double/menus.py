"""How Flame merges the menu tables of many hooks into one menu."""

from collections import namedtuple

from .releases import MENU_HIERARCHY_SINCE, is_within, numbers_from_version

# `path` names the submenus from the top, `caption` is what the person reads.
Entry = namedtuple("Entry", "path caption action enabled wait_cursor separator")


def build_menu(groups, version):
    """Returns the entries of a menu in order, and what was wrong with the tables."""
    has_hierarchy = numbers_from_version(version) >= MENU_HIERARCHY_SINCE
    builder = _Builder(version, has_hierarchy)
    for group in groups:
        builder.add(group)
    return builder.entries(), builder.problems


class _Builder:
    def __init__(self, version, has_hierarchy):
        self.problems = []
        self._version = version
        self._has_hierarchy = has_hierarchy
        self._submenus = {}

    def add(self, group):
        if "actions" not in group:
            self.problems.append("a group has no actions: {!r}".format(group.get("name")))
            return
        path = self._path(group)
        submenu = self._submenus.setdefault(path, _Submenu(len(self._submenus)))
        submenu.order = self._key(group, "order", submenu.order)
        for action in group["actions"]:
            if "name" not in action:
                self.problems.append("an action of {} has no name".format(path))
            elif is_within(
                self._version, action.get("minimumVersion"), action.get("maximumVersion")
            ):
                submenu.add(action)

    def entries(self):
        ordered = sorted(self._submenus.items(), key=lambda item: self._place(item[0]))
        return [
            Entry(
                path,
                caption,
                action,
                True,
                bool(action.get("waitCursor", True)),
                self._key(action, "separator", None),
            )
            for path, submenu in ordered
            for caption, action in submenu.sorted(self._key)
        ]

    def _path(self, group):
        name = group.get("name")
        own = tuple(name.split(" / ")) if name else ()
        above = tuple(self._key(group, "hierarchy", None) or ())
        if above and above not in self._submenus:
            self.problems.append("a group names a parent that nobody declared: {}".format(above))
        return above + own

    def _place(self, path):
        # A submenu sorts inside its parent, so each ancestor's order counts first.
        place = []
        for depth in range(1, len(path) + 1):
            submenu = self._submenus.get(path[:depth])
            place.append((submenu.order, submenu.arrival) if submenu else (0, -1))
        return place

    def _key(self, table, key, default):
        return table.get(key, default) if self._has_hierarchy else default


class _Submenu:
    def __init__(self, arrival):
        self.arrival = arrival
        self.order = 0
        self._actions = []

    def add(self, action):
        label = action.get("caption", action["name"])
        same = sum(1 for taken, _ in self._actions if taken == label)
        # Flame numbers actions that share a name.
        caption = "{} ({})".format(label, same + 1) if same else label
        self._actions.append((caption, action))

    def sorted(self, key):
        return sorted(self._actions, key=lambda item: key(item[1], "order", 0))
