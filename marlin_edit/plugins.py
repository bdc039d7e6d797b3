"""Finds the plugins, takes what they offer, and sets aside what cannot be used, with a warning that says why.

Plugins are the entry points of the group `marlin_edit`; the built-in ones come in no other way. Our own distribution
comes first, then the others by name, so that the same set of plugins always gives the same tool.
"""

from __future__ import annotations

import contextlib
import copy
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from marlin_edit import hookspecs
from marlin_edit.errors import MarlinEditError, UsageError, did_you_mean
from marlin_edit.interfaces import Backend, Carries, Delivery, Detector, Exporter, Finds, Setting
from marlin_edit.settings import Settings, resolved

if TYPE_CHECKING:
    import click

GROUP = "marlin_edit"
DISTRIBUTION = "marlin-edit"

Offer = Backend | Exporter | Delivery | Detector | Setting


@dataclass(frozen=True)
class Candidate:
    """A plugin before it is loaded: what its entry point says."""

    name: str
    distribution: str
    version: str
    load: Callable[[], object]

    @property
    def builtin(self) -> bool:
        return self.distribution == DISTRIBUTION

    def __str__(self) -> str:
        return f"{self.name} ({self.distribution} {self.version})"


@dataclass(frozen=True)
class Plugin:
    """A plugin as it was found: what it offers (`exporter srt`), and why it, or a part of it, is set aside."""

    candidate: Candidate
    offers: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass
class App:
    """What this installation can do: everything that plugins offer, by name, and the settings of the run.

    origins: the plugin of each offer, by kind and name (`("exporter", "srt")`). warnings: what was set aside, and why.
    """

    backends: dict[str, Backend] = field(default_factory=dict)
    exporters: dict[str, Exporter] = field(default_factory=dict)
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    detectors: dict[str, Detector] = field(default_factory=dict)
    definitions: dict[str, Setting] = field(default_factory=dict)
    origins: dict[tuple[str, str], Candidate] = field(default_factory=dict)
    plugins: list[Plugin] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    environ: Mapping[str, str] | None = None
    _managers: list[tuple[Candidate, pluggy.PluginManager]] = field(default_factory=list, repr=False)

    @classmethod
    def load(cls, candidates: Iterable[Candidate] | None = None, environ: Mapping[str, str] | None = None) -> App:
        """Everything that the installed plugins offer. No plugin can make this fail."""
        app = cls(environ=environ)
        for candidate in installed() if candidates is None else candidates:
            app._take(candidate)
        return app

    @cached_property
    def settings(self) -> Settings:
        """The settings; UsageError where the environment or the configuration file says what cannot be."""
        return resolved(self.definitions, self.environ)

    def with_flags(self, flags: Mapping[str, str | bool | None]) -> App:
        """This app with the settings that the command line gives, by setting name."""
        app = copy.copy(self)
        app.settings = self.settings.with_flags(flags)
        return app

    def exporter_for(self, path: Path | None, format_name: str | None = None) -> Exporter:
        """The exporter of an output: by `format_name`, else by the longest suffix. `path` is None for stdout."""
        if format_name is not None:
            if format_name not in self.exporters:
                raise UsageError(
                    f"There is no format {format_name!r}.{did_you_mean(format_name, self.exporters)}"
                    f" Formats: {', '.join(sorted(self.exporters))}."
                )
            return self.exporters[format_name]
        if path is None:
            raise UsageError("`-o -` needs a format: add --format NAME (`marlin-edit formats` lists them).")
        found: tuple[str, Exporter] | None = None
        for suffix, exporter in self._suffixes().items():
            if path.name.lower().endswith(suffix) and (found is None or len(suffix) > len(found[0])):
                found = suffix, exporter
        if found is None:
            raise UsageError(
                f"{path.name}: no format has this suffix. Suffixes: {', '.join(sorted(self._suffixes()))}."
                " Or name a format with --format."
            )
        return found[1]

    def backend_for(self, model: str) -> Backend:
        """The first backend that opens `model`: other distributions' are asked first, marlin-edit's own last."""
        by_distance = sorted(self.backends.values(), key=lambda backend: self.origin(backend).builtin)
        for backend in by_distance:
            with self.calling(backend):
                if backend.opens(model):
                    return backend
        raise UsageError(f"No plugin opens the model {model!r}. `marlin-edit models` shows what there is.")

    def origin(self, offer: Offer) -> Candidate:
        """The plugin that offers it."""
        return self.origins[_kind(offer), offer.name]

    @contextlib.contextmanager
    def calling(self, offer: Offer) -> Iterator[None]:
        """Around a call into a plugin: what it lets out by mistake becomes an error that names it."""
        try:
            yield
        except (MarlinEditError, BrokenPipeError):
            raise
        except Exception as error:
            raise MarlinEditError(
                f"The {_kind(offer)} {offer.name} of the plugin {self.origin(offer)} failed: {_described(error)}."
                " That is a fault of the plugin; -v shows where."
            ) from error

    def register_commands(self, cli: click.Group) -> None:
        """Add the plugins' commands; those of a plugin that fails at it are left out, and so are namesakes.

        Each plugin adds to a group of its own first, so that it cannot replace another one's command.
        """
        import click

        taken = set(cli.list_commands(click.Context(cli)))
        for candidate, manager in self._managers:
            group = click.Group(cli.name)
            try:
                with contextlib.redirect_stdout(sys.stderr):
                    manager.hook.register_commands(cli=group, app=self)
            except (Exception, SystemExit) as error:
                self._problem(candidate, f"its commands are left out: {_described(error)}")
                continue
            for name, command in group.commands.items():
                if name in taken:
                    self._problem(candidate, f"its command {name} is set aside: there is one of that name")
                    continue
                taken.add(name)
                cli.add_command(command, name)
                self.origins["command", name] = candidate
                self._note(candidate, offers=(f"command {name}",))

    def _take(self, candidate: Candidate) -> None:
        self.plugins.append(Plugin(candidate))
        manager = pluggy.PluginManager(GROUP)
        manager.add_hookspecs(hookspecs)
        try:
            with contextlib.redirect_stdout(sys.stderr):
                offers = _offers(candidate, manager)
        except (Exception, SystemExit) as error:
            self._problem(candidate, f"the plugin is set aside: {_described(error)}")
            return
        self._managers.append((candidate, manager))
        for offer in offers:
            kind = _kind(offer)
            refused = self._namesake(offer)
            if refused:
                self._problem(candidate, f"its {kind} {offer.name} is set aside: {refused}")
                continue
            self._registry(offer)[offer.name] = offer
            self.origins[kind, offer.name] = candidate
            self._note(candidate, offers=(f"{kind} {offer.name}",))

    def _registry(self, offer: Offer) -> dict[str, Any]:
        registries: dict[str, dict[str, Any]] = {
            "backend": self.backends,
            "exporter": self.exporters,
            "delivery": self.deliveries,
            "detector": self.detectors,
            "setting": self.definitions,
        }
        return registries[_kind(offer)]

    def _namesake(self, offer: Offer) -> str | None:
        """Why something that was taken already rules this out, or None."""
        if offer.name in self._registry(offer):
            return f"{self.origins[_kind(offer), offer.name]} has one of that name"
        if isinstance(offer, Exporter):
            for suffix in offer.suffixes:
                owner = self._suffixes().get(suffix.lower())
                if owner is not None:
                    return f"the suffix {suffix} belongs to {owner.name} of {self.origin(owner)}"
        if isinstance(offer, Setting) and offer.flag is not None:
            for setting in self.definitions.values():
                if setting.flag == offer.flag:
                    return f"the flag {offer.flag} belongs to {setting.name} of {self.origin(setting)}"
        return None

    def _suffixes(self) -> dict[str, Exporter]:
        return {suffix.lower(): exporter for exporter in self.exporters.values() for suffix in exporter.suffixes}

    def _problem(self, candidate: Candidate, problem: str) -> None:
        self._note(candidate, problems=(problem,))
        self.warnings.append(f"{candidate}: {problem}.")

    def _note(self, candidate: Candidate, offers: tuple[str, ...] = (), problems: tuple[str, ...] = ()) -> None:
        for index, plugin in enumerate(self.plugins):
            if plugin.candidate is candidate:
                self.plugins[index] = Plugin(candidate, plugin.offers + offers, plugin.problems + problems)


def installed() -> list[Candidate]:
    """The entry points of the group: marlin-edit's own first, then by distribution and name."""
    candidates = []
    for point in metadata.entry_points(group=GROUP):
        distribution = point.dist.name if point.dist is not None else "unknown"
        version = point.dist.version if point.dist is not None else ""
        normal = re.sub(r"[-_.]+", "-", distribution).lower()
        candidates.append(Candidate(point.name, normal, version, point.load))
    return sorted(candidates, key=lambda one: (not one.builtin, one.distribution, one.name))


def _offers(candidate: Candidate, manager: pluggy.PluginManager) -> list[Offer]:
    """Load one plugin into a manager of its own, and ask each of its hooks; raises for any fault it finds.

    Of its own, so that no plugin can wrap, reorder or break another one's hooks.
    """
    plugin = candidate.load()
    hooks = [name for name in dir(plugin) if manager.parse_hookimpl_opts(plugin, name) is not None]
    if not hooks:
        raise _Fault("it has no hook (mark its functions with @marlin_edit.hookimpl)")
    manager.register(plugin, name=candidate.name)
    for name in sorted(vars(manager.hook)):
        caller = getattr(manager.hook, name)
        if not caller.has_spec() and not all(one.optionalhook for one in caller.get_hookimpls()):
            known = [hook for hook in vars(hookspecs) if hook.startswith("register_")]
            raise _Fault(f"marlin-edit has no hook {name}.{did_you_mean(name, known)}".rstrip("?."))
    offers: list[Offer] = []
    for hook, kind in _KINDS.items():
        caller = getattr(manager.hook, hook)
        if not caller.get_hookimpls():
            continue
        results = caller()
        if not results:
            raise _Fault(f"{hook} returned None, not a list")
        for result in results:
            if not isinstance(result, Sequence) or isinstance(result, str):
                raise _Fault(f"{hook} returned {result!r}, not a list")
            for offer in result:
                if not isinstance(offer, kind):
                    raise _Fault(f"{hook} returned {offer!r} in its list, not {_article(kind.__name__)}")
                _check(offer)
                offers.append(offer)
    return offers


class _Fault(Exception):
    """What is wrong with a plugin, said by the loader."""


_KINDS: dict[str, type[Offer]] = {
    "register_backends": Backend,
    "register_exporters": Exporter,
    "register_deliveries": Delivery,
    "register_detectors": Detector,
    "register_settings": Setting,
}


def _check(offer: Offer) -> None:
    """Raise where a value's fields are not what `interfaces.py` says: a dataclass does not look at them itself."""
    label = f"{_kind(offer)} {offer.name!r}"
    if not isinstance(offer.name, str) or not re.fullmatch(r"[a-z][a-z0-9_-]*", offer.name):
        raise _Fault(f"the name of the {label} is not in small letters, digits and dashes")
    functions: dict[str, object] = {}
    if isinstance(offer, Backend):
        functions = {"opens": offer.opens, "open": offer.open, "models": offer.models}
    elif isinstance(offer, Exporter):
        functions = {"render": offer.render}
        for name in ("read", "read_markers"):
            if getattr(offer, name) is not None:
                functions[name] = getattr(offer, name)
        if not _texts(offer.suffixes) or not all(re.fullmatch(r"(\.[^./\\\s]+)+", one) for one in offer.suffixes):
            raise _Fault(f"the suffixes of the {label} are not a tuple like ('.edl',)")
    elif isinstance(offer, Delivery):
        functions = {
            "check": offer.check,
            "deliver": offer.deliver,
            "wanted": offer.wanted,
            "foresee": offer.foresee,
        }
    elif isinstance(offer, Detector):
        functions = {"detect": offer.detect}
        if not isinstance(offer.finds, Finds):
            raise _Fault(f"what the {label} finds is not a Finds")
    else:
        functions = {"parse": offer.parse}
        if "-" in offer.name or offer.name == "config":
            raise _Fault(f"the {label} cannot have that name: it would make no variable of its own")
        if offer.flag is not None and not re.fullmatch(r"--[a-z][a-z0-9-]*", str(offer.flag)):
            raise _Fault(f"the flag of the {label} is not like --two-words")
        if not _texts(offer.commands) or not _texts(offer.choices):
            raise _Fault(f"the commands or choices of the {label} are not a tuple of texts")
    if isinstance(offer, (Exporter, Delivery)) and not isinstance(offer.carries, Carries):
        raise _Fault(f"what the {label} carries is not a Carries")
    for field_name, function in functions.items():
        if not callable(function):
            raise _Fault(f"{field_name} of the {label} is not a function")


def _texts(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(one, str) for one in value)


def _kind(offer: Offer) -> str:
    return next(kind.__name__.lower() for kind in _KINDS.values() if isinstance(offer, kind))


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "AEIOU" else f"a {noun}"


def _described(error: BaseException) -> str:
    if isinstance(error, (_Fault, MarlinEditError, pluggy.PluginValidationError)):
        return " ".join(str(error).split()).rstrip(".")
    return f"{type(error).__name__}: {error}".replace("\n", " ").rstrip(".: ")
