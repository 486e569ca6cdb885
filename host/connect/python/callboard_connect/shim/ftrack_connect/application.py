"""Search paths in an environment, under the names that they had in Connect 1 as well."""

from callboard_connect.missing import attribute
from ftrack_connect.application_launcher import append_path, pop_path, prepend_path

__all__ = ["append_path", "appendPath", "pop_path", "prepend_path", "prependPath"]
__getattr__ = attribute(__name__)

appendPath = append_path
prependPath = prepend_path
