"""Ray itself: connecting, asking for places, and what Ray's errors mean. The only file that imports it."""

from __future__ import annotations

import atexit
import logging
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # no telemetry; Ray looks at it when it is loaded
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else it warns of what changes in its next release

import grpc
import ray
from pydantic import ValidationError
from ray import exceptions

try:
    from ray._private.grpc_utils import init_grpc_channel
except ModuleNotFoundError:  # Ray 2.49
    from ray._private.utils import init_grpc_channel
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from streamify.errors import DestinationError, StreamifyError
from streamify.executors.ray.address import (
    CONNECT,
    GREET,
    NO_RAY,
    PORT,
    START,
    Address,
    not_started,
    parse,
    refused,
    unreachable,
    wire_errors,
)
from streamify.executors.ray.environment import kept
from streamify.executors.ray.family import named, wait_for_processes
from streamify.executors.ray.fit import not_loaded
from streamify.executors.ray.mailbox import Answer, Letter, Mailbox, grouped
from streamify.executors.ray.news import Asked, Ended, Gone, Lost, News, Node, Part, Told, usable
from streamify.executors.ray.watch import LOOK, watch
from streamify.executors.ray.wire import LARGEST, Card
from streamify.executors.ray.words import one_line, out_of_memory
from streamify.executors.wire import Progress
from streamify.machine.folder import temporary_folder

_BROKEN = (exceptions.RayError, ConnectionError, RuntimeError, grpc.RpcError)
"""What Ray raises where the cluster does not answer; through ``ray://`` errors of gRPC as well."""
_ALIVE = "/ray.rpc.NodeInfoGcsService/CheckAlive"
"""What a head is asked, by an empty request; the server of ``ray://`` does not know it."""
_SECRET = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN")
LOOK_AGAIN = 30.0
"""Seconds for which a look into the mailbox waits."""
BOXES = 3
"""Mailboxes that may be lost one after another."""
LONGEST = 19
"""Characters of the folder for temporary files: names of Ray's sockets below it may have 107 bytes."""
STORE = 80 << 20
"""Bytes of the object store of a Ray of our own: nothing of ours is put there."""


class Connection:
    """A connection to a cluster.

    Ray runs in a thread of its own: the kernel ends the processes of a local Ray with the thread that started them, and
    in the main thread Ray would take over SIGTERM.

    Args:
        address: ``auto``, ``HOST:PORT`` or ``ray://HOST:PORT``; ``None``: that to which this process is connected
            already, else a Ray of this machine is started, and ends with the connection.
        cores: Of the Ray that is started.
        memory: Bytes of it.

    Raises:
        UsageError: ``ray-address``.
        DestinationError: ``ray-unreachable``; ``ray-version``, the cluster has another version of Ray or Python;
            ``ray-auth``, it refuses this machine's token; ``ray-start-failed``.
    """

    def __init__(self, address: str | None, cores: int, memory: int) -> None:
        self.address, self.local = address, address is None
        self._address = self._find(address)
        self._gone: list[Callable[[str], None]] = []
        self._changed: list[Callable[[], None]] = []
        self._ready: Future[None] = Future()
        self._stop = Event()
        self.nodes: tuple[Node, ...] = ()
        self._thread = Thread(target=self._keep, args=(cores, memory), name="streamify-ray", daemon=True)
        self._thread.start()
        try:
            self._ready.result(GREET + CONNECT if self._address is not None else START)
        except TimeoutError as error:
            self._stop.set()
            if self._address is None:
                raise not_started(f"it is not there after {START:g} s") from error
            raise unreachable(self._address.text, f"it did not take the connection within {CONNECT:g} s") from error

    @property
    def join(self) -> str:
        """Address that a machine gives to `ray start` to become a node."""
        return self._address.join if self._address is not None else f"HEAD:{PORT}"

    def when_gone(self, tell: Callable[[str], None]) -> None:
        """Have `tell` called, from another thread, where the cluster does not answer any more."""
        self._gone.append(tell)

    def when_changed(self, tell: Callable[[], None]) -> None:
        """Have `tell` called, from another thread, where nodes have come or gone."""
        self._changed.append(tell)

    def close(self) -> None:
        """Disconnect; end the Ray that was started."""
        self._stop.set()
        self._thread.join(30)

    @staticmethod
    def _find(address: str | None) -> Address | None:
        if address is None or ray.is_initialized():
            return None
        if address == "auto":
            from ray._private.services import find_bootstrap_address

            found = os.environ.get("RAY_ADDRESS") or find_bootstrap_address(None)
            if found is None:
                raise unreachable("auto", "no Ray runs on this machine")
            address = found
        parsed = parse(address)
        parsed.check()
        return parsed

    def _keep(self, cores: int, memory: int) -> None:
        """Connect, look at the nodes until the end, disconnect."""
        ours = not ray.is_initialized()
        log = logging.getLogger("ray")
        level, folder = log.level, None
        with ExitStack() as closing:
            try:
                if ours:
                    closing.enter_context(kept(*_SECRET))
                    closing.enter_context(_silent())
                    local = self._address is None
                    folder = str(closing.enter_context(temporary_folder(LONGEST))) if local else None
                    self._connect(cores, memory, folder)
                self.nodes = _nodes()
            except BaseException as error:  # not swallowed: the constructor raises it
                self._ready.set_exception(_translated(error, self._address))
            else:
                self._ready.set_result(None)
                self._watch()
                self._stop.wait()  # whoever calls Ray behind its end would start another one
            if ours:
                # Ray would wait for a head that is gone.
                atexit.unregister(ray._private.worker.shutdown)
                ending = Thread(target=ray.shutdown, daemon=True)
                ending.start()
                ending.join(10)
                if folder is not None:
                    wait_for_processes(folder)  # which write into it
                log.setLevel(level)

    def _connect(self, cores: int, memory: int, folder: str | None) -> None:
        # Loaded, Ray writes warnings to stderr of what is as it should be, such as that it does not take over SIGTERM.
        logging.getLogger("ray").setLevel(logging.CRITICAL)
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "CRITICAL", "configure_logging": False}
        if self._address is not None:
            _greet(self._address)
            ray.init(self._address.text, **quiet)
            return
        assert folder is not None
        if not os.environ.keys() & {"RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"}:
            os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)  # else Ray leaves one in the user's home
        with named(folder):
            ray.init(
                "local", num_cpus=cores, num_gpus=0, _memory=memory, object_store_memory=STORE, include_dashboard=False,
                _temp_dir=folder, **quiet,
            )  # fmt: skip

    def _watch(self) -> None:
        why: Exception | str | None
        try:
            why = watch(self._look, (DestinationError, *_BROKEN), self._stop, self._see)
        except Exception as error:  # not swallowed: the jobs fail with it, which would wait for ever
            why = f"its nodes cannot be looked at: {type(error).__name__}: {one_line(error)}"
        if why is not None:
            for tell in self._gone:
                tell(why if isinstance(why, str) else one_line(why))

    def _look(self) -> tuple[Node, ...]:
        if self._address is not None:
            self._address.check(LOOK)
        return _nodes()

    def _see(self, nodes: tuple[Node, ...]) -> None:
        before, self.nodes = self.nodes, nodes
        if {node.id for node in before} != {node.id for node in nodes}:
            for tell in self._changed:
                tell()


class Cluster:
    """Places for tasks on a cluster, asked for by number, and what happens there, as news.

    Ray's threads do no more than queue what has come: all else is done by the thread that calls.

    Args:
        connection: To the cluster.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._come: SimpleQueue[Callable[[], Iterable[News]]] = SimpleQueue()
        self._places: dict[int, Any] = {}
        self._answers: list[Answer] = []
        self._gone = False
        self._forgotten = 0  # places
        self._boxes = 0  # that were lost one after another
        self._here = ray.get_runtime_context().get_node_id()
        connection.when_gone(lambda cause: self._come.put(partial(self._lost, cause)))
        connection.when_changed(self.wake)
        self._open_mailbox()

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Those that take tasks, as they were seen last."""
        return self._connection.nodes

    @property
    def local(self) -> bool:
        """Whether it is a Ray of this machine that was started for the pool."""
        return self._connection.local

    @property
    def join(self) -> str:
        """See `Places.join`."""
        return self._connection.join

    def ask_for(self, number: int, memory: int, node: str | None) -> None:
        """Ask for a place, with `node` on that one; `Asked` tells when there is one, `Ended` or `Lost` its end."""
        # Ray sends requests of one kind to nodes only as far as others of it have been answered. Those that were
        # forgotten may never be; a byte less makes another kind.
        options: dict[str, Any] = {"num_cpus": 1, "memory": memory - self._forgotten}
        if node is not None:
            options["scheduling_strategy"] = NodeAffinitySchedulingStrategy(node, soft=False)
        with self._calling():
            self._places[number] = place = _PLACE.options(**options).remote(self._mailbox, number)
            place.future().add_done_callback(lambda reply: self._come.put(partial(self._over, number, reply)))

    def answer(self, number: int, given: bytes | None) -> None:
        """Tell a process that asked what to do; ``None``: nothing. Sent with the next `wait`."""
        self._answers.append((number, given))

    def cut_off(self, number: int) -> None:
        """End a place and what runs there."""
        if (place := self._places.get(number)) is not None and not self._gone:
            with self._calling():
                ray.cancel(place, force=True)

    def forget(self, number: int) -> None:
        """Expect nothing of a place any more, which is on a node that is gone, or waits there; nobody waits for it."""
        if (place := self._places.pop(number, None)) is not None and not self._gone:
            self._forgotten += 1
            with self._calling():
                ray.cancel(place, force=True)

    def wake(self) -> None:
        """End a `wait`; may be called by any thread."""
        self._come.put(tuple)

    def wait(self, seconds: float) -> list[News]:
        """Send answers; return what has happened, after `seconds` at the latest."""
        if not self._gone:
            with self._calling():
                for some in grouped(self._answers):
                    self._mailbox.answer.remote(some)
        self._answers = []
        found: list[News] = []
        with suppress(Empty):
            come = self._come.get(timeout=seconds)
            while True:
                found += come()
                come = self._come.get_nowait()
        return found

    def close(self) -> None:
        """Cut off all places that are left; return once they are over."""
        if self._gone:
            return
        places = list(self._places.values())
        for number in tuple(self._places):
            self.cut_off(number)
        with suppress(*_BROKEN), wire_errors():
            if places:
                ray.wait(places, num_returns=len(places), timeout=10)
            ray.kill(self._mailbox)

    @contextmanager
    def _calling(self) -> Iterator[None]:
        """Call Ray in the body; where it cannot be called any more, the cluster is gone."""
        try:
            with wire_errors():
                yield
        except _BROKEN as error:
            self._come.put(partial(self._lost, one_line(error)))

    def _open_mailbox(self) -> None:
        here = NodeAffinitySchedulingStrategy(self._here, soft=True)
        self._mailbox = _MAILBOX.options(scheduling_strategy=here).remote()
        self._look()

    def _look(self) -> None:
        coming = self._mailbox.take.remote(LOOK_AGAIN).future()
        coming.add_done_callback(lambda letters: self._come.put(partial(self._letters, letters)))

    def _letters(self, letters: Future[list[Letter]]) -> Iterable[News]:
        """Take in what the mailbox gave."""
        if self._gone:
            return
        if (error := letters.exception()) is not None:
            self._boxes += 1
            if self._boxes > BOXES:
                yield from self._lost_mailbox(error)
            else:
                with self._calling():
                    self._open_mailbox()  # what was asked there is asked again
            return
        self._boxes = 0
        with self._calling():
            self._look()
        for kind, number, data in letters.result():
            match kind:
                case "asked":
                    yield _asked(number, data)
                case "told":
                    yield Told(number, Progress.from_json(data))
                case _:
                    yield Part(number, data)

    def _over(self, number: int, reply: Future[bytes | int | None]) -> Iterable[News]:
        """Take in how a place ended."""
        self._places.pop(number, None)
        error = reply.exception()
        if error is not None:
            yield _loss(number, error)
            return
        found = reply.result()
        yield Ended(number, None, found) if isinstance(found, int) else Ended(number, found)

    def _lost(self, cause: str, *, full: bool = False) -> Iterable[News]:
        self._gone = True
        yield Gone(cause, full)

    def _lost_mailbox(self, error: BaseException) -> Iterable[News]:
        if isinstance(error, exceptions.OutOfMemoryError):
            return self._lost(f"no mailbox stays on the node of this command: {out_of_memory(error)}", full=True)
        return self._lost(f"no mailbox stays: {one_line(error)}")


def _greet(address: Address) -> None:
    """Return once Ray answers at an address, and takes this machine's token.

    `ray.init` would try for 25 s, and writes to stderr meanwhile whatever it is told.

    Raises:
        DestinationError: ``ray-unreachable``; ``ray-auth``.
    """
    with init_grpc_channel(address.dialled, options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            channel.unary_unary(_ALIVE)(b"", timeout=GREET)
        except grpc.RpcError as error:
            match error.code():
                case grpc.StatusCode.UNIMPLEMENTED:
                    if not address.client:
                        raise unreachable(address.text, "what listens there is no head of Ray") from error
                case grpc.StatusCode.DEADLINE_EXCEEDED:
                    raise unreachable(address.text, f"what listens there is silent for {GREET:g} s", NO_RAY) from error
                case grpc.StatusCode.UNAUTHENTICATED:
                    raise refused(address.text, one_line(error)) from error
                case _:
                    raise unreachable(address.text, one_line(error), NO_RAY) from error
        else:
            if address.client:
                raise unreachable(address.text, "that is the port for machines of the cluster")


@contextmanager
def _silent() -> Iterator[None]:
    """Keep Ray from writing to stdout, where it tells of lost nodes: whatever `log_to_driver` says."""
    written = ray._private.worker.print_to_stdstream
    ray._private.worker.print_to_stdstream = lambda *_, **__: None
    try:
        yield
    finally:
        ray._private.worker.print_to_stdstream = written


def _place(mailbox: Any, number: int) -> bytes | int | None:
    """Ask for a task in the place that Ray gave, and carry it out; return its reply, or in how many pieces it was sent.

    Results are waited for by futures: in `ray.get`, Ray would give the CPU of this place away meanwhile.
    """
    from streamify.executors.ray import node

    card = node.card(ray.get_runtime_context().get_node_id())
    given = mailbox.ask.remote(number, card).future().result()
    if given is None:
        return None

    def tell(progress: bytes) -> None:
        mailbox.tell.remote(number, progress)

    reply = node.run(given, tell)
    if len(reply) <= LARGEST:
        return reply
    pieces = [reply[begin : begin + LARGEST] for begin in range(0, len(reply), LARGEST)]
    for piece in pieces:
        mailbox.part.remote(number, piece).future().result()
    return len(pieces)


_PLACE = ray.remote(max_retries=0, max_calls=0)(_place)
_MAILBOX = ray.remote(num_cpus=0, max_restarts=0, max_concurrency=100_000)(Mailbox)


def _nodes() -> tuple[Node, ...]:
    with wire_errors():
        return usable(ray.nodes())


def _asked(number: int, card: bytes) -> News:
    try:
        return Asked(number, Card.from_json(card))
    except ValidationError:
        return Lost(number, "ray-node-unfit", "a node has another version of Streamify", unfit=True)


def _loss(number: int, error: BaseException) -> Lost:
    """Return what an error of Ray means for what ran in a place."""
    text = " ".join(str(error).split())
    match error:
        case exceptions.OutOfMemoryError():
            return Lost(number, "worker-out-of-memory", out_of_memory(error))
        case exceptions.NodeDiedError():
            return Lost(number, "node-lost", "the node on which the task ran is gone")
        case exceptions.WorkerCrashedError():
            cause = "the Ray worker that ran the task was killed, as the kernel does when memory runs out"
            return Lost(number, "worker-killed", cause)
        case exceptions.TaskCancelledError():
            return Lost(number, "worker-exited", "the Ray worker that ran the task ended in the middle of it")
        case exceptions.RayActorError() | exceptions.RayTaskError(cause=exceptions.RayActorError()):
            return Lost(number, "mailbox-lost", "the process that passes tasks on to the nodes is gone")
        case exceptions.RayTaskError() if (lacking := not_loaded(str(error))) is not None:
            return Lost(number, "ray-node-unfit", lacking, unfit=True)
        case _:
            return Lost(number, "ray-failed", f"{type(error).__name__}: {text[:400]}")


def _translated(error: BaseException, address: Address | None) -> BaseException:
    """Return the error of a connection that came to nothing, as one of ours."""
    if isinstance(error, StreamifyError) or not isinstance(error, Exception):
        return error
    text, where = " ".join(str(error).split()), address.text if address is not None else "this machine"
    if "ersion mismatch" in text or ("version" in text.lower() and "python" in text.lower()):
        return DestinationError(
            "ray-version",
            f"the cluster at {where} has other versions of Ray or Python: {text[:300]}",
            "install the same versions here and on every node",
        )
    if isinstance(error, exceptions.AuthenticationError) or "InvalidAuthToken" in text:
        return refused(where, text[:200])
    if address is None:
        return not_started(text[:300])
    return unreachable(where, text[:300], NO_RAY)
