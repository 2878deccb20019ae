"""What a server has in common with all that answer for the same index, if there are any."""

from __future__ import annotations

from dataclasses import dataclass

from qa.config import Settings
from qa.keeping import shared_postgres
from qa.kept_secret import KeptSecret
from qa.postgres_tables import PostgresTables
from qa.shared import FORMS, SERVER, Shared, SharedSecret, SharedSeen
from qa.tables import Tables
from qa.web.chat_work import Remembered, Seen
from qa.web.job_state import Board, OwnBoard, SharedBoard
from qa.web.postgres_board import PostgresBoard
from qa.web.session import Secret


@dataclass(frozen=True, slots=True)
class InCommon:
    """counts: of requests, None for this process's memory; secret: what forms are signed with where there are no keys."""

    counts: Tables | None
    seen: Seen
    board: Board
    secret: Secret


def in_common(settings: Settings, shared: Shared | None) -> InCommon:
    """Return what is in common. shared: the folder of a server's processes, None where it has but one."""
    postgres = shared_postgres(settings)
    if postgres:
        tables, forms = PostgresTables(postgres, SERVER), PostgresTables(postgres, FORMS)
        return InCommon(tables, SharedSeen(tables), PostgresBoard(postgres, tables), SharedSecret(forms))
    secret = KeptSecret(settings.data / "forms.secret", shared.secret if shared else b"")
    if shared:
        return InCommon(shared.tables, SharedSeen(shared.tables), SharedBoard(shared.folder), secret)
    return InCommon(None, Remembered[bool](), OwnBoard(), secret)
