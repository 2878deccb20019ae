"""`qa serve --workers N`: gunicorn's processes, each with the whole application, and a master that starts and replaces them.

The only module that knows gunicorn. The master loads nothing of the application (no preload): a process forked from one in
which FAISS or OpenVINO has computed hangs for ever (15 of 15 tries, measured). What the processes share is the files of the
data directory, which they map, and the folder of qa/shared.py.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

from qa.cli.frame import say
from qa.config import Settings, host_in_url, wants_traces
from qa.shared import Shared, metrics_folder, prepare_shared

_KEEPALIVE = 60  # seconds that a connection may ask nothing: as long as proxies keep theirs
_LONGEST_LINE = 8190  # bytes of a request's first line, the most that gunicorn takes
_BOOT_SECONDS = 120  # in which a process must have loaded, or show that it lives


def serve_by_workers(settings: Settings, sockets: list[socket.socket], threads: int) -> None:
    """Serve on sockets that listen until told to stop; to be called by the main thread. Ends by SystemExit.

    threads: requests that each process can hold, those that wait included.
    """
    master = os.getpid()
    folder = Path(tempfile.mkdtemp(prefix="citable-qa-"))  # for its owner only
    try:
        prepare_shared(folder)
        _Master(_Application(settings, Shared(folder), sockets, threads)).run()
    finally:
        if os.getpid() == master:  # the workers, which it has forked, come by here, too
            shutil.rmtree(folder, ignore_errors=True)


class _Master(Arbiter):  # type: ignore[misc]
    """gunicorn's master, told to stop as `qa serve` is: the first SIGTERM or Ctrl-C drains, the second ends it at once."""

    _stopping = False

    def signal(self, sig: int, frame: Any) -> None:
        """Take down a signal."""
        again = self._stopping and sig in (signal.SIGTERM, signal.SIGINT)
        super().signal(signal.SIGQUIT if again else sig, frame)

    def handle_int(self) -> None:
        """Take Ctrl-C for a SIGTERM."""
        self.handle_term()

    def stop(self, graceful: bool = True) -> None:
        """Let the workers finish, or not."""
        self._stopping = True
        for one in self.LISTENERS:
            with suppress(OSError):  # for all processes: closed by one, it would let connections in that nobody takes
                one.sock.shutdown(socket.SHUT_RDWR)
        super().stop(graceful)

    def kill_workers(self, sig: int) -> None:
        """Send the workers a signal; of the last one there is something to say."""
        if sig == signal.SIGKILL and self.WORKERS:
            say(f"not everything that was asked could be answered within {self.cfg.graceful_timeout:g} seconds")
        super().kill_workers(sig)


class _Worker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's worker with threads; one that is about to be told to stop may find its sockets shut already."""

    def accept(self, listener: Any) -> None:
        """Take a new connection."""
        try:
            super().accept(listener)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise


class _Application(BaseApplication):  # type: ignore[misc]
    """The application for gunicorn, loaded in each worker, and gunicorn's settings."""

    def __init__(self, settings: Settings, shared: Shared, sockets: list[socket.socket], threads: int) -> None:
        self._settings, self._shared, self._threads = settings, shared, threads
        self._at_exit: list[Callable[[], None]] = []
        self._address = f"http://{host_in_url(settings.host)}:{sockets[0].getsockname()[1]}/"
        self._sockets = [f"fd://{one.detach()}" for one in sockets]  # gunicorn closes them, at the right time
        super().__init__()

    def load_config(self) -> None:
        """Set what differs from gunicorn's defaults."""
        values = {
            "bind": self._sockets,
            "workers": self._settings.workers,
            "threads": self._threads,
            "worker_class": _Worker,
            "timeout": _BOOT_SECONDS,
            "graceful_timeout": max(1, round(self._settings.drain_seconds)),
            "keepalive": _KEEPALIVE,
            "limit_request_line": _LONGEST_LINE,
            "forwarded_allow_ips": "",  # whom to believe is decided in qa/web/proxies.py
            "forwarder_headers": "",
            "secure_scheme_headers": {},
            "control_socket_disable": True,
            "logger_class": _Log,
            "raw_env": [f"PROMETHEUS_MULTIPROC_DIR={metrics_folder(self._shared.folder)}"],
            "post_worker_init": _leave_ctrl_c_to_the_master,
            "worker_exit": self._leave,
            "when_ready": lambda _: say(f"Citable QA is at {self._address}  (Ctrl-C ends it)"),
        }
        for name, value in values.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Return the application; called in each worker."""
        # only now, and never in the master
        from qa.cli.warming import warm_up_aside
        from qa.tracing import open_tracing
        from qa.web import create_app
        from qa.workspace import Workspace

        workspace = Workspace(self._settings)
        if wants_traces():
            tracing = open_tracing()
            workspace.listeners.append(tracing.note)
            self._at_exit.append(tracing.close)
        app = create_app(workspace, self._shared)
        warm_up_aside(workspace)
        return app

    def _leave(self, _: Any, worker: Any) -> None:
        """End a worker without taking libraries down: what runs in other threads may hold what they then wait for."""
        if worker.pid != os.getpid():
            return  # the master says so of a worker that it misses
        for close in self._at_exit:
            close()
        raised = sys.exc_info()[1]
        sys.stderr.flush()
        os._exit(raised.code if isinstance(raised, SystemExit) and isinstance(raised.code, int) else 0)


class _Log(Logger):  # type: ignore[misc]
    """gunicorn's log as ours: to stderr, in the same form, and with nothing in it that was asked for."""

    def setup(self, cfg: Any) -> None:
        """Take no place of its own to write to."""
        self.cfg, self._access_log_enabled = cfg, False
        self.error_log = logging.getLogger("qa.workers")
        self.error_log.setLevel(logging.WARNING)

    def warning(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Log a warning; of a request that is none it would quote what was sent."""
        invalid = msg.startswith("Invalid request")
        super().warning("invalid request" if invalid else msg, *(() if invalid else args), **kwargs)

    def exception(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Log an error; of a request it would name the path."""
        request = msg.startswith("Error handling request")
        super().exception("error handling a request" if request else msg, *(() if request else args), **kwargs)

    def reopen_files(self) -> None:
        """Have no files to open."""

    def close_on_exec(self) -> None:
        """Have no files to close."""


def _leave_ctrl_c_to_the_master(_: Any) -> None:
    """Ctrl-C in a terminal goes to all processes; the master passes on what they are to do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
