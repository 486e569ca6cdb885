"""Decorators that change where and with what a function runs."""

import functools
import logging
import threading

import ftrack_api

from callboard_connect.missing import attribute

__getattr__ = attribute(__name__)

_log = logging.getLogger(__name__)


def asynchronous(method):
    """Has a function run on a thread of its own, which is returned; what it raises is in the log."""

    @functools.wraps(method)
    def start(*arguments, **options):
        def run():
            try:
                method(*arguments, **options)
            except Exception:
                _log.exception("`%s` failed on its thread", method.__name__)

        thread = threading.Thread(target=run, name=method.__name__, daemon=True)
        thread.start()
        return thread

    return start


def with_new_session(method):
    """Gives a function a session of its own, and closes that afterwards."""

    @functools.wraps(method)
    def call(*arguments, **options):
        with ftrack_api.Session(auto_connect_event_hub=False, plugin_paths=[]) as session:
            return method(*arguments, session=session, **options)

    return call


def track_framework_usage(*_, **__):
    """Leaves a function as it is: Callboard sends no telemetry."""
    return lambda method: method
