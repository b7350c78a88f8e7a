"""A review process over a Label Studio in memory, one turn of its jobs at a time; or a real one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from annotation.client import LabelStudioClient
from archive.database import Database
from archive.tables import Document
from extraction.json_values import JsonObject
from tests.annotation.fake_studio import FakeStudio
from tests.archive.review_rows import FORMS, add_reviewed
from tests.service.servers import served
from tests.service.worlds import World
from workers.review_apply import apply_received
from workers.review_place import ReviewPlace
from workers.review_projects import keep_projects
from workers.review_push import push_due_tasks
from workers.review_sweep import Rounds, check_tasks, clear_abandoned, look_at_tasks, sweep

KEY = b"a key of the tests"
URL = "http://forms.example"


@contextmanager
def review_place(world: World, studio_url: str, token: str) -> Iterator[ReviewPlace]:
    """A review process over a real Label Studio, which reaches the world under an address."""
    with served(world.app) as url:
        client = LabelStudioClient(studio_url, token)
        secret = world.service.settings.secret_key
        yield ReviewPlace(world.service.database, client, FORMS, url, secret)
        client.close()


@dataclass
class ReviewRig:
    database: Database
    studio: FakeStudio = field(default_factory=FakeStudio)

    @property
    def place(self) -> ReviewPlace:
        return ReviewPlace(self.database, self.studio, FORMS, URL, KEY)

    def add(self, name: str, *paths: str) -> tuple[str, str]:
        """The ids of a new document and of its review task."""
        with self.database.write() as session:
            document, task_id = add_reviewed(session, name, *paths)
            return document.id, task_id

    def push(self) -> int:
        keep_projects(self.place)
        return push_due_tasks(self.place)

    def apply(self) -> int:
        return apply_received(self.database, FORMS)

    def sweep(self) -> int:
        found = sweep(self.place)
        self.apply()
        return found

    def check(self) -> int:
        return check_tasks(self.place, Rounds({}))

    def clear(self) -> int:
        return clear_abandoned(self.place)

    def look(self) -> int:
        looked = look_at_tasks(self.place)
        self.apply()
        return looked

    def document(self, document_id: str) -> Document:
        with self.database.read() as session:
            return session.get_one(Document, document_id)

    def payload(self, annotation_id: int) -> JsonObject:
        return self.studio.annotations[annotation_id]
