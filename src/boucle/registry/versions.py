"""Model versions: register them, find them by what users type, keep their bundles here, move their aliases.

Nothing else in Boucle moves an alias. The release state is the truth about what answers; aliases tell others of it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from boucle.core.errors import BundleCorrupt, BundleError, NotFound
from boucle.core.model import CHALLENGER, CHAMPION, PREVIOUS, ModelRef, ModelVersion
from boucle.formats import bundle
from boucle.ports.registry import Registry


def register(registry: Registry, path: Path, version: ModelVersion) -> ModelVersion:
    """Register the bundle at ``path`` as the next version of its model; the same bundle again makes no new one.

    ``version`` carries everything but the number. Raises BundleCorrupt when the bundle is not that of its digest.
    """
    bundle.verify(path, version.digest)
    return registry.register(version.name, path, version)


def resolve(registry: Registry, ref: ModelRef) -> ModelVersion:
    """Return the version ``ref`` names; a bare name means its champion, else its newest version.

    Raises NotFound with the nearest known name.
    """
    known = registry.models()
    if ref.name not in known:
        raise NotFound.of("model", ref.name, known)
    if ref.version is not None:
        return registry.version(ref.name, ref.version)
    aliases = registry.aliases(ref.name)
    alias = ref.alias or CHAMPION
    if alias in aliases:
        return registry.version(ref.name, aliases[alias])
    if ref.alias is not None:
        raise NotFound.of("alias", str(ref), [f"{ref.name}@{name}" for name in aliases], f"boucle show {ref.name}")
    return _newest(registry, ref.name)


def sync_aliases(
    registry: Registry, name: str, champion: int | None, challenger: int | None, previous: int | None
) -> None:
    """Make the aliases of ``name`` say what the release state says; None takes an alias away."""
    current = registry.aliases(name)
    for alias, number in ((CHAMPION, champion), (CHALLENGER, challenger), (PREVIOUS, previous)):
        if current.get(alias) != number:
            registry.set_alias(name, alias, number)


def local_bundle(registry: Registry, version: ModelVersion, root: Path) -> Path:
    """Return a verified copy of the version's bundle under ``root``, fetched if it is absent or damaged.

    Raises BundleCorrupt when the registry's copy is damaged too, BundleError for a version that holds no bundle.
    """
    if not version.digest:
        raise BundleError(
            f"{version.ref} was registered by another tool and holds no bundle.",
            hint=f"take it in first: boucle adopt models:/{version.ref}",
            model=version.name,
        )
    path = bundle.bundle_path(root, version.digest)
    try:
        bundle.verify(path, version.digest)
    except BundleCorrupt:
        return _fetched(registry, version, root)
    return path


def _fetched(registry: Registry, version: ModelVersion, root: Path) -> Path:
    staged = bundle.staging(root)
    try:
        registry.fetch(version, staged)
        try:
            bundle.verify(staged, version.digest)
        except BundleCorrupt as error:
            raise BundleCorrupt(
                f"The registry's copy of {version.ref} is damaged. {error.message}",
                hint=f"release another version: boucle show {version.name}",
                **error.facts,
            ) from error
        return bundle.place(staged, root, version.digest)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _newest(registry: Registry, name: str) -> ModelVersion:
    versions = registry.versions(name)
    if not versions:
        raise NotFound(f"Model '{name}' has no versions.", hint="boucle train makes one", name=name)
    return versions[-1]
