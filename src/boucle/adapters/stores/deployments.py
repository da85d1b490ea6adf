"""The release state, one row a model."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, insert, select, update

from boucle.adapters.stores.tables import deployments
from boucle.core.deployment import Deployment
from boucle.core.errors import Conflict
from boucle.core.json import dumps, loads

_ONE = select(deployments.c.state).where(deployments.c.model == bindparam("model"))


class SqlDeployments:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, model: str) -> Deployment:
        found = self._connection.execute(_ONE, {"model": model}).scalar()
        return Deployment(model) if found is None else loads(found, Deployment)

    def all(self) -> list[Deployment]:
        query = select(deployments.c.state).order_by(deployments.c.model)
        return [loads(state, Deployment) for state in self._connection.execute(query).scalars()]

    def put(self, deployment: Deployment) -> None:
        table = deployments
        query = select(table.c.generation).where(table.c.model == deployment.model)
        stored = self._connection.execute(query).scalar()
        if deployment.generation not in (stored or 0, (stored or 0) + 1):
            raise Conflict(
                f"The release state of {deployment.model} was changed by someone else meanwhile.",
                hint=f"look again: boucle show {deployment.model}",
                stored=stored,
                offered=deployment.generation,
            )
        row = {"generation": deployment.generation, "state": dumps(deployment).decode()}
        if stored is None:
            self._connection.execute(insert(table), {"model": deployment.model, **row})
        else:
            self._connection.execute(update(table).where(table.c.model == deployment.model).values(**row))
