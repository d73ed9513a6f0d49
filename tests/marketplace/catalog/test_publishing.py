"""Publishing, subscribing and being told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from marketplace.catalog import services
from marketplace.catalog.cards import CARD_NAME
from marketplace.catalog.models import Listing, Notice, Release
from marketplace.catalog.queries import notices_for, subscribed
from marketplace.catalog.releasing import Words, revision_of
from marketplace.errors import BadInput, Conflict, NotFound
from marketplace.runs.models import Run
from marketplace.storage import open_stored
from tests.factories import make_release, make_run, make_user

pytestmark = pytest.mark.django_db


def test_the_first_publication_makes_a_listing_with_release_one() -> None:
    owner = make_user("reef")
    run = make_run(owner)
    words = Words("corals", title=" Corals", summary="Three of them.\n")
    release = services.publish_release(owner=owner, run=run, words=words)
    listing = Listing.objects.get()
    assert (str(listing), listing.title, listing.summary) == ("reef/corals", "Corals", "Three of them.")
    assert (listing.private, listing.licence) == (False, "apache-2.0")
    assert (release.number, release.run, listing.latest) == (1, run, release)
    assert (release.int8_accuracy, release.latency_ms, release.latency_measured) == (0.8667, 1.84, False)
    assert (release.device, release.streamed_bytes, release.cpu_op_count) == ("devboard", 102_400, 1)


def test_a_release_has_every_file_of_the_run_and_its_own_card() -> None:
    owner = make_user()
    run = make_run(owner)
    release = make_release(owner, run=run)
    names = {file.name for file in release.files.all()}
    assert names == {artifact.name for artifact in run.artifacts.all()} | {CARD_NAME}
    card_file = release.files.get(name=CARD_NAME)
    with open_stored(card_file.storage_key) as stream:
        assert json.loads(stream.read()) == release.card
    assert release.revision == revision_of((file.name, file.sha256) for file in release.files.all())
    assert len(release.revision) == 40


def test_files_of_single_trials_are_not_published() -> None:
    owner = make_user()
    run = make_run(owner)
    run.artifacts.filter(name="checkpoint.keras").update(trial=run.best_trial)
    assert not make_release(owner, run=run).files.filter(name="checkpoint.keras").exists()


def test_the_next_publication_adds_a_release_and_keeps_words_that_are_not_given_anew() -> None:
    owner = make_user()
    first = make_release(owner, "corals", title="Corals", summary="Three.", licence="mit")
    second = make_release(owner, "corals", summary="Three, better.")
    listing = second.listing
    listing.refresh_from_db()
    assert (first.number, second.number, listing.latest) == (1, 2, second)
    assert (listing.title, listing.summary, listing.licence) == ("Corals", "Three, better.", "mit")
    assert second.card["licence"]["id"] == "mit"


def test_the_same_files_are_not_published_twice() -> None:
    owner = make_user()
    run = make_run(owner)
    make_release(owner, "corals", run)
    with pytest.raises(Conflict, match=r"are v1 of .*/corals already"):
        make_release(owner, "corals", run, title="Other words")
    assert Release.objects.count() == 1
    assert Listing.objects.get().title == "corals"
    assert make_release(owner, "corals-again", run).number == 1


def test_only_the_owner_of_a_run_publishes_it() -> None:
    run = make_run(make_user())
    with pytest.raises(NotFound):
        make_release(make_user(), run=run)
    assert not Listing.objects.exists()


@pytest.mark.parametrize("status", [status for status in Run.Status if status != Run.Status.DONE])
def test_only_a_run_that_is_done_is_published(status: str) -> None:
    owner = make_user()
    with pytest.raises(Conflict, match="is not done"):
        make_release(owner, run=make_run(owner, status=status))


def test_a_run_without_files_is_not_published() -> None:
    owner = make_user()
    with pytest.raises(Conflict, match="made no files"):
        make_release(owner, run=make_run(owner, files={}))


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "Corals"}, "name"),
        ({"name": "-corals"}, "name"),
        ({"name": "a/b"}, "name"),
        ({"name": "../x"}, "name"),
        ({"name": "c" * 40}, "name"),
        ({"name": "coräls"}, "name"),
        ({"name": "corals\n"}, "name"),
        ({"title": "t" * 121}, "title"),
        ({"summary": "s" * 2001}, "summary"),
        ({"notes": "n" * 4001}, "notes"),
        ({"notes": "\x00"}, "title"),
        ({"licence": "wtfpl"}, "licence"),
    ],
)
def test_words_that_cannot_be_stored_are_refused_with_their_field(words: dict[str, Any], field: str) -> None:
    owner = make_user()
    with pytest.raises(BadInput) as refused:
        services.publish_release(owner=owner, run=make_run(owner), words=Words(**{"name": "corals", **words}))
    assert refused.value.field == field
    assert not Listing.objects.exists()


def test_a_private_release_never_lands_in_a_public_listing() -> None:
    owner = make_user()
    make_release(owner, "corals")
    with pytest.raises(Conflict, match="is public"):
        make_release(owner, "corals", private=True)


def test_a_private_listing_stays_private_when_the_next_release_does_not_say_so() -> None:
    owner = make_user()
    make_release(owner, "corals", private=True)
    make_release(owner, "corals")
    assert Listing.objects.get().private


def test_a_subscriber_finds_a_notice_when_the_next_release_lands_and_the_publisher_does_not() -> None:
    owner, reader, other = make_user(), make_user(), make_user()
    listing = make_release(owner, "corals").listing
    for user in (owner, reader, reader):
        services.subscribe(user=user, listing=listing)
    assert subscribed(reader, listing)
    assert not subscribed(other, listing)
    assert not Notice.objects.exists()
    release = make_release(owner, "corals", notes="Better on fan corals.")
    assert [notice.release for notice in notices_for(reader)] == [release]
    assert not notices_for(owner).exists()
    assert not notices_for(other).exists()


def test_who_unsubscribed_hears_nothing_more() -> None:
    owner, reader = make_user(), make_user()
    listing = make_release(owner, "corals").listing
    services.subscribe(user=reader, listing=listing)
    services.unsubscribe(user=reader, listing=listing)
    services.unsubscribe(user=reader, listing=listing)
    make_release(owner, "corals")
    assert not Notice.objects.exists()


def test_a_refused_publication_tells_nobody() -> None:
    owner, reader = make_user(), make_user()
    run = make_run(owner)
    services.subscribe(user=reader, listing=make_release(owner, "corals", run).listing)
    with pytest.raises(Conflict):
        make_release(owner, "corals", run)
    assert not Notice.objects.exists()


def test_subscribers_hear_nothing_of_a_listing_that_became_private() -> None:
    owner, reader = make_user(), make_user()
    listing = make_release(owner, "corals").listing
    services.subscribe(user=reader, listing=listing)
    make_release(owner, "corals")
    assert notices_for(reader).count() == 1
    Listing.objects.update(private=True)
    assert notices_for(reader).count() == 0
    make_release(owner, "corals")
    assert Notice.objects.count() == 1


def test_notices_are_marked_read_by_their_own_reader_only() -> None:
    owner, reader, other = make_user(), make_user(), make_user()
    listing = make_release(owner, "corals").listing
    services.subscribe(user=reader, listing=listing)
    make_release(owner, "corals")
    make_release(owner, "corals")
    first, second = Notice.objects.order_by("pk")
    assert services.mark_read(user=other) == 0
    assert services.mark_read(user=other, notice_ids=[first.pk]) == 0
    assert services.mark_read(user=reader, notice_ids=[first.pk, first.pk, 10**30]) == 1
    assert services.mark_read(user=reader) == 1
    second.refresh_from_db()
    assert second.read_at is not None


def test_a_deleted_run_leaves_the_release_and_its_files() -> None:
    owner = make_user()
    run = make_run(owner)
    release = make_release(owner, run=run)
    run.delete()
    release.refresh_from_db()
    assert release.run is None
    assert release.files.count() == 6
