"""The registry: what the installed plugins offer, by name, and the settings of the run.

`plugins.py` fills it; here nothing is loaded.
"""

from __future__ import annotations

import contextlib
import copy
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marlin_edit.errors import MarlinEditError, UsageError, did_you_mean
from marlin_edit.files import NO_ROOM
from marlin_edit.interfaces import Backend, Context, Delivery, Detection, Detector, Exporter, Finds
from marlin_edit.settings import Setting, Settings, resolved

if TYPE_CHECKING:
    from marlin_edit.media import MediaInfo
    from marlin_edit.timebase import Span
    from marlin_edit.video_model import VideoModel

DISTRIBUTION = "marlin-edit"


Offer = Backend | Exporter | Delivery | Detector | Setting


@dataclass(frozen=True)
class Candidate:
    """A plugin before it is loaded, from its entry point.

    Attributes:
        name: The entry point's name.
        distribution: The distribution that it comes from.
        version: The distribution's version.
        load: Imports the plugin.
    """

    name: str
    distribution: str
    version: str
    load: Callable[[], object]

    @property
    def builtin(self) -> bool:
        """Whether it comes with marlin-edit."""
        return self.distribution == DISTRIBUTION

    def __str__(self) -> str:
        return f"{self.name} ({self.distribution} {self.version})"


@dataclass(frozen=True)
class Plugin:
    """A plugin as it was found.

    Attributes:
        candidate: Where it comes from.
        offers: What it offers (`exporter srt`).
        problems: Why it, or a part of it, is not used.
    """

    candidate: Candidate
    offers: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass
class App:
    """What this installation can do: everything that plugins offer, by name, and the settings of the run.

    Attributes:
        backends: The backends, by name.
        exporters: The exporters, by name.
        deliveries: The deliveries, by name.
        detectors: The detectors, by name.
        definitions: The settings, by name.
        plugins: Every plugin that was found.
        environ: The variables that settings are read from, in place of the process's own.
        origins: The plugin of each offer, by kind and name (`("exporter", "srt")`).
        warnings: What is not used, and why.
        command_hooks: Each plugin's `register_commands`.
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
    command_hooks: list[tuple[Candidate, Callable[..., object]]] = field(default_factory=list, repr=False)

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
            raise UsageError(_no_format(path, self._suffixes()))
        return found[1]

    def backend_for(self, model: str) -> Backend:
        """The first backend that opens `model`: other distributions' are asked first, marlin-edit's own last."""
        by_distance = sorted(self.backends.values(), key=lambda backend: self.origin(backend).builtin)
        for backend in by_distance:
            with self.calling(backend):
                if backend.opens(model):
                    return backend
        raise UsageError(f"No plugin opens the model {model!r}. `marlin-edit models` shows what there is.")

    def open_model(self) -> VideoModel:
        """The video model of the settings.

        Raises:
            MarlinEditError: No backend opens it, or it is not on this computer.
        """
        backend = self.backend_for(self.settings.value("model", str))
        with self.calling(backend):
            return backend.open(self.settings)

    def detector_for(self, finds: Finds) -> Detector:
        """The first detector that finds this: other distributions' come first, marlin-edit's own last.

        Raises:
            UsageError: No plugin has one.
        """
        for detector in sorted(self.detectors.values(), key=lambda detector: self.origin(detector).builtin):
            if detector.finds is finds:
                return detector
        raise UsageError(f"No plugin finds {finds.value} here (`marlin-edit plugins` lists what there is).")

    def detect(
        self, detector: Detector, media: MediaInfo, span: Span, spoken: tuple[Span, ...] = ()
    ) -> Sequence[Detection]:
        """What a detector finds in a span of the media. spoken: for words, when somebody speaks there."""
        with self.calling(detector), self.context(spoken=spoken) as context:
            return detector.detect(media, span, context)

    @contextlib.contextmanager
    def context(self, path: Path | None = None, **more: Any) -> Iterator[Context]:
        """What a plugin's function is given, with a temporary directory.

        Args:
            path: Where the rendered file will be, or None.
            more: Further fields of `Context`.
        """
        with tempfile.TemporaryDirectory(prefix="marlin-edit-") as temporary:
            yield Context(self.settings, path, Path(temporary), **more)

    def origin(self, offer: Offer) -> Candidate:
        """The plugin that offers it."""
        return self.origins[kind_of(offer), offer.name]

    @contextlib.contextmanager
    def calling(self, offer: Offer) -> Iterator[None]:
        """Around a call into a plugin: what it lets out by mistake becomes an error that names it."""
        try:
            yield
        except (MarlinEditError, BrokenPipeError):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno in NO_ROOM:
                raise
            raise MarlinEditError(
                f"The {kind_of(offer)} {offer.name} of the plugin {self.origin(offer)} failed: {described(error)}."
                " This is a fault of the plugin; -v shows where."
            ) from error

    def add(self, candidate: Candidate, offer: Offer) -> None:
        """Take what a plugin offers; refused with a warning if its name, suffix or flag is there already."""
        refused = self._namesake(offer)
        if refused:
            self.problem(candidate, f"its {kind_of(offer)} {offer.name} is set aside: {refused}")
            return
        self._registry(offer)[offer.name] = offer
        self.origins[kind_of(offer), offer.name] = candidate
        self.note(candidate, offers=(f"{kind_of(offer)} {offer.name}",))

    def problem(self, candidate: Candidate, problem: str) -> None:
        """Keep why a plugin, or a part of it, is set aside."""
        self.note(candidate, problems=(problem,))
        self.warnings.append(f"{candidate}: {problem}.")

    def note(self, candidate: Candidate, offers: tuple[str, ...] = (), problems: tuple[str, ...] = ()) -> None:
        """Add to what `marlin-edit plugins` shows of a plugin."""
        for index, plugin in enumerate(self.plugins):
            if plugin.candidate is candidate:
                self.plugins[index] = Plugin(candidate, plugin.offers + offers, plugin.problems + problems)

    def _registry(self, offer: Offer) -> dict[str, Any]:
        registries: dict[str, dict[str, Any]] = {
            "backend": self.backends,
            "exporter": self.exporters,
            "delivery": self.deliveries,
            "detector": self.detectors,
            "setting": self.definitions,
        }
        return registries[kind_of(offer)]

    def _namesake(self, offer: Offer) -> str | None:
        """Why something that was taken already rules this out, or None."""
        if offer.name in self._registry(offer):
            return f"{self.origins[kind_of(offer), offer.name]} has one of that name"
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


KINDS: dict[str, type[Offer]] = {
    "backend": Backend,
    "exporter": Exporter,
    "delivery": Delivery,
    "detector": Detector,
    "setting": Setting,
}


def kind_of(offer: Offer) -> str:
    """What an offer is: `backend`, `exporter`, `delivery`, `detector` or `setting`."""
    return next(kind for kind, made in KINDS.items() if isinstance(offer, made))


def described(error: BaseException) -> str:
    """An error in one line: a MarlinEditError's own words, any other with its type."""
    if isinstance(error, MarlinEditError):
        return " ".join(str(error).split()).rstrip(".")
    return f"{type(error).__name__}: {error}".replace("\n", " ").rstrip(".: ")


_SOUNDS = frozenset({".aac", ".aif", ".aiff", ".flac", ".m4a", ".mp3", ".ogg", ".opus", ".wav"})


def _no_format(path: Path, suffixes: Iterable[str]) -> str:
    """What to do with a name whose suffix is no format's."""
    from marlin_edit.media import VIDEO_SUFFIXES

    if path.suffix.lower() in VIDEO_SUFFIXES | _SOUNDS:
        return (
            f"{path.name} is a video or sound. `caption`, `find` and `cut` look at one; `cut --out-dir DIR` writes "
            "clips, and `cut --reel FILE` one film of them."
        )
    if not path.suffix:
        return f"{path.name} has no suffix, which chooses the format: {path.name}.srt, .edl, .otio or .json, say."
    near = did_you_mean(path.suffix.lower(), suffixes)
    return f"{path.name}: no format has this suffix.{near} `marlin-edit formats` lists them; --format names one."
