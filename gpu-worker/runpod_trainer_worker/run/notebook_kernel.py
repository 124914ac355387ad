"""The notebook client of the child process: this Python as the kernel, outputs shown while they come."""

from __future__ import annotations

import os
import sys
from typing import Any, Dict, Optional, Tuple

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbformat import NotebookNode

#: Starts the kernel as `ipykernel_launcher` does. What programs and libraries print past Python the kernel sends as a
#: message, which is shown, and writes it to its own output besides: that copy would be shown again. What is written to
#: `sys.stdout.fileno()` is no copy, and stays. Where Python is when it crashes goes there too.
_START = """
import sys
if sys.path[0] == "":
    del sys.path[0]
import faulthandler, os, threading
from ipykernel import iostream, kernelapp
copying = set()
class Os:
    def __getattr__(self, name):
        return getattr(os, name)
    def write(self, file, data):
        return len(data) if threading.get_ident() in copying else os.write(file, data)
watch = getattr(iostream.OutStream, "_watch_pipe_fd", None)
if watch is not None:
    def watch_quietly(stream):
        copying.add(threading.get_ident())
        watch(stream)
    iostream.OutStream._watch_pipe_fd = watch_quietly
    iostream.os = Os()
faulthandler.enable(os.dup(2))
kernelapp.launch_new_instance()
"""


class _OwnPython(KernelSpecManager):
    """Whatever kernel the notebook names, the step's own Python runs it: kernels of another machine mean nothing."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        argv = [sys.executable, "-c", _START, "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="Python", language="python", interrupt_mode="signal")


class _LiveClient(NotebookClient):
    def process_message(self, msg: Dict[str, Any], cell: NotebookNode, cell_index: int) -> Optional[NotebookNode]:
        kind, content = msg["msg_type"], msg["content"]
        if kind == "stream":
            stream = sys.stderr if content["name"] == "stderr" else sys.stdout
            stream.write(content["text"])
            stream.flush()
        elif kind == "error":
            print("\n".join(content["traceback"]), file=sys.stderr, flush=True)
        elif kind in ("execute_result", "display_data") and "text/plain" in content["data"]:
            print(content["data"]["text/plain"], flush=True)
        return super().process_message(msg, cell, cell_index)


def client_for(notebook: NotebookNode, cwd: str, runtime: str) -> Tuple[NotebookClient, AsyncKernelManager]:
    """A client and its kernel manager; cells have no time limit, the kernel has two minutes to start.

    They talk through sockets in the private folder `runtime`, so that no other user of the machine can listen.
    """
    manager = AsyncKernelManager(
        kernel_name="python3", kernel_spec_manager=_OwnPython(), transport="ipc", ip=os.path.join(runtime, "kernel")
    )
    client = _LiveClient(
        notebook,
        km=manager,
        timeout=None,
        startup_timeout=120,
        shutdown_kernel="immediate",
        coalesce_streams=True,
        resources={"metadata": {"path": cwd}},
        extra_arguments=["--HistoryManager.hist_file=:memory:"],
    )
    client.owns_km = True
    return client, manager
