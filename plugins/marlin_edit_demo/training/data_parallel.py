"""Training in several processes of one thread each: every process works out its own gradients, and all take the mean.

On a busy machine this is far faster than several threads in one process, which wait for each other at every operation.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

ROOM = 8_000_000


class Together:
    """One of several processes that train the same weights. Rank 0 keeps the clock, reports and saves."""

    def __init__(self, rank: int, shared: Tensor, clock: Tensor, barrier: Any) -> None:
        self.rank = rank
        self.size = len(shared)
        self._shared = shared
        self._clock = clock
        self._barrier = barrier
        self._began = 0.0

    @property
    def leads(self) -> bool:
        """Whether this process writes the checkpoint."""
        return self.rank == 0

    def wait(self) -> None:
        """Until all processes have come here."""
        self._barrier.wait()

    def start_clock(self, spent: float) -> None:
        """Counts on from the seconds that earlier runs have spent."""
        self._began = time.monotonic() - spent
        if self.leads:
            self._clock[0] = spent
        self._barrier.wait()

    @property
    def spent(self) -> float:
        """Seconds of training so far, the same in every process between two steps."""
        return float(self._clock[0])

    def step(self, parameters: Sequence[nn.Parameter], optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        """Backward, the mean of all gradients, and one step of the optimizer."""
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        mine = self._shared[self.rank]
        place = 0
        for parameter in parameters:
            count = parameter.numel()
            if parameter.grad is None:
                mine[place : place + count].zero_()
            else:
                mine[place : place + count].copy_(parameter.grad.view(-1))
            place += count
        self._barrier.wait()
        mean = self._shared[:, :place].mean(0)
        if self.leads:
            self._clock[0] = time.monotonic() - self._began
        self._barrier.wait()
        mean *= min(1.0, 1.0 / (float(mean.norm()) + 1e-6))
        place = 0
        for parameter in parameters:
            count = parameter.numel()
            parameter.grad = mean[place : place + count].view_as(parameter)
            place += count
        optimizer.step()


def _work(rank: int, shared: Tensor, clock: Tensor, barrier: Any, task: Callable[..., None], given: Any) -> None:
    torch.set_num_threads(1)
    task(Together(rank, shared, clock, barrier), *given)


def train_together(processes: int, task: Callable[..., None], *given: Any) -> None:
    """Runs `task(together, *given)` in so many processes and waits for all."""
    # glibc otherwise gives large blocks back to the system at every step and asks for them again.
    for name, value in {"MMAP_THRESHOLD_": 1 << 25, "TRIM_THRESHOLD_": 1 << 32, "TOP_PAD_": 1 << 28}.items():
        os.environ.setdefault(f"MALLOC_{name}", str(value))
    context = torch.multiprocessing.get_context("spawn")
    shared: Tensor = torch.zeros(processes, ROOM)
    clock: Tensor = torch.zeros(1, dtype=torch.float64)
    for tensor in (shared, clock):
        tensor.share_memory_()  # type: ignore[no-untyped-call]
    barrier = context.Barrier(processes)
    workers = [
        context.Process(target=_work, args=(rank, shared, clock, barrier, task, given)) for rank in range(processes)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        raise RuntimeError("A training process has stopped early; its message is above. Start again to go on.")
