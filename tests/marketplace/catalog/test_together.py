"""Several people at once: no number twice, no count lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection, connections

from marketplace.catalog.models import Listing, Notice, Release
from marketplace.catalog.releasing import Words
from marketplace.catalog.services import publish_release, subscribe
from marketplace.errors import Conflict
from tests.factories import make_release, make_run, make_user
from tests.marketplace.clients import ReadingClient as Client

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("database_as_it_runs")]


@pytest.fixture
def database_as_it_runs(transactional_db: None, tmp_path: Path) -> Iterator[None]:
    """SQLite in a file, as the site has it: in memory its threads lock each other out at once instead of waiting."""
    memory = connections["default"]
    if memory.vendor != "sqlite":
        yield
        return
    with memory.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(tmp_path / "atoll.sqlite3")])
    before = connections.settings["default"]
    connections.settings["default"] = {**before, "NAME": str(tmp_path / "atoll.sqlite3")}
    connections["default"] = connections.create_connection("default")
    yield
    connections["default"].close()
    connections.settings["default"] = before
    connections["default"] = memory


def at_once(acts: list[Callable[[], object]]) -> list[object]:
    """Do every act in a thread of its own at the same moment; return what each gave, or the error it raised."""
    barrier = threading.Barrier(len(acts))
    results: list[object] = [None] * len(acts)

    def do(position: int) -> None:
        barrier.wait()
        try:
            results[position] = acts[position]()
        except Exception as error:  # the test looks at it
            results[position] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=do, args=(position,)) for position in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_releases_that_are_published_at_once_get_one_number_each() -> None:
    owner, reader = make_user("reef"), make_user()
    runs = [make_run(owner) for _ in range(6)]
    results = at_once([lambda run=run: publish_release(owner=owner, run=run, words=Words("corals")) for run in runs])  # type: ignore[misc]
    assert [result for result in results if isinstance(result, Exception)] == []
    assert sorted(Release.objects.values_list("number", flat=True)) == [1, 2, 3, 4, 5, 6]
    newest = Listing.objects.get().latest
    assert newest is not None
    assert newest.number == 6
    assert reader.notices.count() == 0


def test_of_the_same_run_published_at_once_exactly_one_is_a_release() -> None:
    owner = make_user("reef")
    run = make_run(owner)
    results = at_once([lambda: publish_release(owner=owner, run=run, words=Words("corals"))] * 5)
    assert sum(isinstance(result, Release) for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 4
    assert Listing.objects.count() == Release.objects.count() == 1


def test_a_double_click_on_subscribe_subscribes_once() -> None:
    owner, reader = make_user("reef"), make_user()
    listing = make_release(owner, "corals").listing
    results = at_once([lambda: subscribe(user=reader, listing=listing)] * 6)
    assert [result for result in results if result is not None] == []
    assert listing.subscriptions.count() == 1
    make_release(owner, "corals")
    assert Notice.objects.count() == 1


def test_no_download_is_lost_from_the_count_while_a_release_is_published() -> None:
    owner = make_user("reef")
    listing = make_release(owner, "corals").listing
    run = make_run(owner)

    def fetch() -> int:
        return int(Client().get("/reef/corals/resolve/v1/labels.txt").status_code)

    results = at_once([*[fetch] * 8, lambda: publish_release(owner=owner, run=run, words=Words("corals"))])
    assert results[:8] == [200] * 8
    listing.refresh_from_db()
    assert listing.download_count == 8
