"""The page to read the description of the control plane on and to try it: the data plane's own, without the network."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from boucle.serving.docs import docs

router = APIRouter()


@router.get("/api/docs{part:path}", include_in_schema=False)
def page(part: str, request: Request) -> Response:
    """Show it to anybody: it says nothing of the project; the description it asks for does, and takes a viewer."""
    found = docs(f"/docs{part}", request.headers.get("accept-encoding", "").encode())
    if found is None:
        raise HTTPException(404)
    headers = {name.decode(): value.decode() for name, value in found.headers}
    return Response(found.body, found.status, headers, found.content_type.decode())
