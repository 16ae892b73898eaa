"""Kernels for the test run that start with torch and transformers imported.

That import is nearly all of a notebook's run. So one process does it, and each kernel is forked from it: a process
of its own, in which no name is bound and no model loaded. Linux only: elsewhere it is not safe to fork after it.
`tests/regenerate.py`, which makes the stored outputs, starts kernels the ordinary way.
"""

import multiprocessing
import os
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import nbval.kernel
from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    [
        "ipykernel.kernelapp",
        "torch",
        "transformers.models.bert.modeling_bert",
        "transformers.models.bert.tokenization_bert",
    ]
)


def run(arguments, cwd, env):
    """Be a kernel, in the forked process, as `python -m ipykernel_launcher *arguments` would be."""
    import torch
    from ipykernel.kernelapp import launch_new_instance

    os.setsid()  # Ctrl-C in the terminal is pytest's
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    # A kernel ends with its parent; the name in the environment has been read already, at import.
    sys.argv = ["ipykernel_launcher", f"--IPKernelApp.parent_handle={os.getppid()}", *arguments]
    tests = Path(__file__).parent  # pytest has put it there; a reader's kernel does not see it
    sys.path[:] = [folder for folder in sys.path if Path(folder) not in (tests, tests.parent)]
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stderr__.fileno())
    torch.seed()  # not the same chance in every kernel
    launch_new_instance()


class Process(CONTEXT.Process):
    """A process with what LocalProvisioner uses of subprocess.Popen."""

    stdin = stdout = stderr = None

    def poll(self):
        return self.exitcode

    def wait(self):
        self.join()
        return self.exitcode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)


class Forked(LocalProvisioner):
    """Starts a kernel by a fork; the rest is as usual."""

    async def launch_kernel(self, cmd, *, cwd, env, **_):
        arguments = cmd[cmd.index("ipykernel_launcher") + 1 :]
        self.process = Process(target=run, args=(arguments, cwd, env), daemon=True)
        self.process.start()
        self.pid = self.process.pid
        return self.connection_info


class Specs(nbval.kernel.NbvalKernelspecManager):
    """Says of every kernel that it is started by a fork."""

    def get_kernel_spec(self, kernel_name):
        spec = super().get_kernel_spec(kernel_name)
        spec.metadata["kernel_provisioner"] = {"provisioner_name": "forked"}
        return spec


def register():
    """Let nbval start its kernels by a fork."""
    factory = KernelProvisionerFactory.instance()
    factory.provisioners["forked"] = EntryPoint("forked", f"{__name__}:Forked", factory.GROUP_NAME)
    nbval.kernel.NbvalKernelspecManager = Specs
