"""A stand-in for Autodesk Flame, so that everything beside it can be tested without it.

It imitates what is publicly known of Flame 2022 to 2027; the release is chosen with
`configure(version=...)` and 2025.2.2 is the default. The module `flame` beside this package is
what hooks import. Nothing here knows Callboard.

Read first: `world.World` (one running Flame), `attribute.FlameObject` (what every handle has in
common), `hooks.HookLoader` (what Flame does with a folder of hooks).
"""

from .world import OffMainThread, World, configure, current

__all__ = ["OffMainThread", "World", "configure", "current"]
