"""Where a model's layers are: what feeds the first, the layers, and what may be left as it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import nn

_FEEDS = ("embeddings", "embed_tokens", "wte")


class Injected(nn.Module):
    """Stands in the place of what feeds the layers, and gives what was put in; for all else it is that module."""

    def __init__(self, feed: nn.Module) -> None:
        super().__init__()
        self.given: Any = None
        self._feed = (feed,)  # in a tuple it is no part of the model: not trained, not written

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(self._feed[0], name)

    def forward(self, *args: Any, **named: Any) -> Any:
        return self.given


@dataclass(frozen=True, slots=True)
class Anatomy:
    """``owner.attribute`` is the list of layers, ``base.feed`` the module whose output enters the first of them."""

    base: nn.Module
    feed: str | None
    owner: nn.Module
    attribute: str

    @classmethod
    def of(cls, model: Any) -> Anatomy | None:
        """Find the layers of a model of transformers; None where there is no such list."""
        base = model.base_model
        lists = [
            (owner, name, child)
            for owner in base.modules()
            for name, child in owner.named_children()
            if isinstance(child, nn.ModuleList) and len({type(layer) for layer in child}) == 1
        ]
        if not lists:
            return None
        owner, name, _ = max(lists, key=lambda found: size(found[2].parameters()))
        return cls(base, next((feed for feed in _FEEDS if hasattr(base, feed)), None), owner, name)

    @property
    def layers(self) -> nn.ModuleList:
        found: nn.ModuleList = getattr(self.owner, self.attribute)
        return found

    @property
    def embeddings(self) -> nn.Module | None:
        return None if self.feed is None else getattr(self.base, self.feed)

    def freeze(self, layers: int, embeddings: bool) -> None:
        """Leave the first ``layers`` as they are, and the embeddings with them or by themselves."""
        for layer in self.layers[:layers]:
            layer.requires_grad_(False)
        if (embeddings or layers) and self.embeddings is not None:
            self.embeddings.requires_grad_(False)

    @contextmanager
    def above(self, layer: int) -> Iterator[Injected]:
        """Work with the model as if it began at ``layer``; what enters there is put into what is yielded."""
        feed, layers = self.embeddings, self.layers
        if self.feed is None or feed is None:
            raise ValueError("it is not known what feeds the layers")
        injected = Injected(feed)
        setattr(self.base, self.feed, injected)
        setattr(self.owner, self.attribute, layers[layer:])
        try:
            yield injected
        finally:
            setattr(self.base, self.feed, feed)
            setattr(self.owner, self.attribute, layers)


def size(parameters: Iterable[nn.Parameter]) -> int:
    """Return how many numbers there are."""
    return sum(p.numel() for p in parameters)
