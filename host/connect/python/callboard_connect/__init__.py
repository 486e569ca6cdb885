"""Serves the hooks of an ftrack Connect plugin: the Python side of Callboard's `connect` crate."""
