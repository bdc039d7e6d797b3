"""Finds the plugins, takes what they offer, and sets aside what cannot be used, with a warning that says why.

Plugins are the entry points of the group `marlin_edit`; the built-in ones come in no other way. Our own distribution
comes first, then the others by name, so that the same set of plugins always gives the same tool.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from typing import TYPE_CHECKING

import pluggy

from marlin_edit import hookspecs
from marlin_edit.app import DISTRIBUTION, App, Candidate, Offer, Plugin, described, kind_of
from marlin_edit.errors import MarlinEditError, did_you_mean
from marlin_edit.interfaces import Backend, Carries, Delivery, Detector, Exporter, Finds
from marlin_edit.settings import Setting

if TYPE_CHECKING:
    import click

GROUP = "marlin_edit"

_KINDS: dict[str, type[Offer]] = {
    "register_backends": Backend,
    "register_exporters": Exporter,
    "register_deliveries": Delivery,
    "register_detectors": Detector,
    "register_settings": Setting,
}


class _Fault(MarlinEditError):
    """What is wrong with a plugin, said by the loader."""


def load_app(candidates: Iterable[Candidate] | None = None, environ: Mapping[str, str] | None = None) -> App:
    """Everything that the installed plugins offer. No plugin can make this fail.

    Raises:
        MarlinEditError: marlin-edit runs from its source and was never installed, so that nothing is offered.
    """
    found = list(installed() if candidates is None else candidates)
    if candidates is None and not any(candidate.builtin for candidate in found):
        raise MarlinEditError(
            f"{DISTRIBUTION} is not installed for this Python ({sys.executable}), only its source is here. Run "
            f"`{sys.executable} -m pip install .` in the directory of its pyproject.toml."
        )
    app = App(environ=environ)
    for candidate in found:
        _take(app, candidate)
    return app


def register_commands(app: App, cli: click.Group) -> None:
    """Add the plugins' commands; those of a plugin that fails at it are left out, and so are namesakes.

    Each plugin adds to a group of its own first, so that it cannot replace another one's command.
    """
    import click

    taken = set(cli.list_commands(click.Context(cli)))
    for candidate, register in app.command_hooks:
        group = click.Group(cli.name)
        try:
            with contextlib.redirect_stdout(sys.stderr):
                register(cli=group, app=app)
        except (Exception, SystemExit) as error:
            app.problem(candidate, f"its commands are left out: {_described(error)}")
            continue
        for name, command in group.commands.items():
            if name in taken:
                app.problem(candidate, f"its command {name} is set aside: there is one of that name")
                continue
            taken.add(name)
            cli.add_command(command, name)
            app.origins["command", name] = candidate
            app.note(candidate, offers=(f"command {name}",))


def installed() -> list[Candidate]:
    """The entry points of the group: marlin-edit's own first, then by distribution and name."""
    candidates = []
    for point in metadata.entry_points(group=GROUP):
        distribution = point.dist.name if point.dist is not None else "unknown"
        version = point.dist.version if point.dist is not None else ""
        normal = re.sub(r"[-_.]+", "-", distribution).lower()
        candidates.append(Candidate(point.name, normal, version, point.load))
    return sorted(candidates, key=lambda one: (not one.builtin, one.distribution, one.name))


def _take(app: App, candidate: Candidate) -> None:
    app.plugins.append(Plugin(candidate))
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            offers = _offers(candidate, manager)
    except (Exception, SystemExit) as error:
        app.problem(candidate, f"the plugin is set aside: {_described(error)}")
        return
    app.command_hooks.append((candidate, manager.hook.register_commands))
    for offer in offers:
        app.add(candidate, offer)


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


def _check(offer: Offer) -> None:
    """Raise where a value's fields are not what `interfaces.py` says: a dataclass does not look at them itself."""
    label = f"{kind_of(offer)} {offer.name!r}"
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
            raise _Fault(f"the {label} cannot have that name: it would have no environment variable of its own")
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


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "AEIOU" else f"a {noun}"


def _described(error: BaseException) -> str:
    if isinstance(error, pluggy.PluginValidationError):
        return " ".join(str(error).split()).rstrip(".")
    return described(error)
