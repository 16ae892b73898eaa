"""Kernels for the test run that start with torch and transformers imported.

That import is nearly all of a notebook's run. So one process does it for all notebooks of a worker, and each kernel
is forked from it: a process of its own, in which no name is bound and no model loaded. Linux only: elsewhere it is
not safe to fork after it. `tests/regenerate.py`, which makes the stored outputs, starts kernels the ordinary way.
"""

import atexit
import contextlib
import functools
import json
import os
import signal
import subprocess
import sys
from importlib.metadata import EntryPoint

from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner


def register():
    """Let nbval start its kernels this way."""
    from nbval.kernel import NbvalKernelspecManager

    ordinary = NbvalKernelspecManager.get_kernel_spec

    def forked(self, kernel_name):
        spec = ordinary(self, kernel_name)
        spec.metadata["kernel_provisioner"] = {"provisioner_name": "forked"}
        return spec

    factory = KernelProvisionerFactory.instance()
    factory.provisioners["forked"] = EntryPoint("forked", f"{__name__}:Forked", factory.GROUP_NAME)
    NbvalKernelspecManager.get_kernel_spec = forked


class Forked(LocalProvisioner):
    """Starts a kernel by a fork; the rest is as usual."""

    async def launch_kernel(self, cmd, *, cwd, env, **_):
        arguments = cmd[cmd.index("ipykernel_launcher") + 1 :]
        print(json.dumps([arguments, cwd, env]), file=server().stdin, flush=True)
        answer = server().stdout.readline()
        if not answer:
            raise RuntimeError("The process that forks kernels has ended: its stderr says why.")
        self.pid = self.pgid = int(answer)
        self.process = Process(self.pid)
        return self.connection_info


class Process:
    """What LocalProvisioner uses of subprocess.Popen, for a kernel, which is no child of this process."""

    stdin = stdout = stderr = None

    def __init__(self, pid):
        self.pid = pid

    def send_signal(self, number):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def poll(self):
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return 0

    wait = poll  # is called when the kernel has ended


@functools.cache
def server():
    """The process that forks; it ends with this one, and the kernels with it."""
    process = subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,  # Ctrl-C in the terminal is pytest's
    )
    atexit.register(process.communicate)  # closes its stdin
    return process


def serve():
    """For each line on stdin fork a kernel and print its process id."""
    sys.path[:] = [folder for folder in sys.path if folder != os.path.dirname(__file__)]
    os.environ["JPY_PARENT_PID"] = str(os.getpid())  # ipykernel reads it at import

    import torch
    from ipykernel.kernelapp import launch_new_instance
    from transformers import BertModel, BertTokenizer  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a kernel
    for line in sys.stdin:
        if pid := os.fork():
            print(pid, flush=True)
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        arguments, cwd, env = json.loads(line)
        os.chdir(cwd)
        parent = os.environ["JPY_PARENT_PID"]
        os.environ.clear()
        os.environ.update(env, JPY_PARENT_PID=parent)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nowhere, stream)
        sys.argv = ["ipykernel_launcher", *arguments]
        torch.seed()  # its own chance
        return launch_new_instance()


if __name__ == "__main__":
    serve()
